// Where the published specification and what is known of Seam disagree, each with its reason. `side`, `endpoint`, `at` and
// `what` all have to match. An entry that explains nothing in a full run is reported: it is stale.

const UNKNOWN = /^is not in the specification$/

/** The package on npm ends with 1.977.0 (2026); Seam's own repository is at 1.1038.0 (2026-08-21). */
const newer = (endpoint, at) => ({ side: 'response', endpoint, at, what: UNKNOWN, why: 'newer than the published package' })

export const KNOWN = [
  // Merging identities came on 2026-08-17.
  newer(/^\/user_identities\//, /^\/user_identit(y|ies\/\*)\/merged_user_identity_(ids|keys)$/),
  newer(/^\/access_grants\//, /^\/access_grants?(\/\*)?\/display_status$/),
]
