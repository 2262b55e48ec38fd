// What need not be mended, each with its reason. `side`, `endpoint`, `at` and `what` all have to match, and `run` and
// `status` where they are given. An entry that explains nothing in a full run is reported: it is stale.

const UNKNOWN = /^is not in the specification$/

/** The package on npm ends with 1.977.0; Seam's own repository was at 1.1038.0 on 2026-08-21. */
const newer = (endpoint, at) => ({ side: 'response', endpoint, at, what: UNKNOWN, why: 'newer than the published package' })

/** The SDKs' lives ask wrongly on purpose, to see the SDK's own error. The daemon never may. */
const meant = (endpoint, at, what) => {
  const why = 'life.json asks wrongly on purpose'
  return { side: 'request', run: /^(python|node)-/, status: 400, endpoint, at, what, why }
}

/** In one of the worlds of uncertain.md. */
const inWorld = (world, endpoint, status, at, what) => ({ side: 'response', run: world, endpoint, status, at, what, why: 'so ordered' })

export const KNOWN = [
  // Merging identities came on 2026-08-17.
  newer(/^\/user_identities\//, /^\/user_identit(y|ies\/\*)\/merged_user_identity_(ids|keys)$/),
  newer(/^\/access_grants\//, /^\/access_grants?(\/\*)?\/display_status$/),
  newer(/^\/access_methods\//, /^\/access_methods?(\/\*)?\/display_status$/),
  newer(/^\/access_methods\/list$/, /^\/pagination$/),
  meant(/^\/user_identities\/create$/, /^\/email_address$/, /^must match format "email"$/),
  meant(/^\/user_identities\/get$/, /^\/user_identity_id$/, /^must match format "uuid"$/),
  inWorld(/^daemon-enrollment_endpoints=false$/, /\/enrollment_automations\//, 404, /^\/$/, /without the envelope/),
]

export const explains = (entry, { endpoint, side, at, what }, { run, status }) =>
  entry.side === side &&
  entry.endpoint.test(endpoint) &&
  entry.at.test(at) &&
  entry.what.test(what) &&
  (entry.run?.test(run) ?? true) &&
  (entry.status ?? status) === status
