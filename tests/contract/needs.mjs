// What an endpoint needs although its schema says that every parameter may be left out; Seam's reference says so in words.

const ACS_USER = [['acs_user_id'], ['user_identity_id', 'acs_system_id']]

/** Exactly one of the groups, and whole. */
const ONE = [
  [/^\/acs\/users\/(get|delete|suspend|unsuspend|update|revoke_access_to_all_entrances|list_accessible_entrances)$/, ACS_USER],
  [/^\/acs\/credentials\/create$/, ACS_USER],
  [/^\/acs\/credentials\/(assign|unassign)$/, [['acs_user_id'], ['user_identity_id']]],
  [/^\/instant_keys\/get$/, [['instant_key_id'], ['instant_key_url']]],
  [/^\/events\/get$/, [['event_id'], ['event_type'], ['device_id']]],
  [/^\/events\/list$/, [['since'], ['between']]],
]
/** At least one of these. */
const SOME = [[/^\/access_methods\/list$/, ['access_grant_id', 'access_grant_key', 'acs_entrance_id']]]

export function judgeNeeds(endpoint, found) {
  const has = (name) => found[name] !== undefined
  const groups = ONE.find(([path]) => path.test(endpoint))?.[1]
  const touched = groups?.filter((group) => group.some(has))
  if (groups && !(touched.length === 1 && touched[0].every(has))) {
    return [{ at: '/', what: `needs exactly one of ${groups.map((group) => group.join(' with ')).join(', ')}` }]
  }
  const names = SOME.find(([path]) => path.test(endpoint))?.[1]
  return names && !names.some(has) ? [{ at: '/', what: `needs one of ${names.join(', ')}` }] : []
}
