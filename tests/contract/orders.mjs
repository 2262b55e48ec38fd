// The orders of the daemon's full run: every workflow, every way to name a person or an ACS user, both modes.

const WHO = ['user_identity_key', 'user_identity_id', 'email_address', 'phone_number']

/** `people` are to leave, `newcomers` to come. Each order with what has to become of it, in whatever world. */
export function orders({ people, newcomers, systems, modes }) {
  const made = [...leaving(people, modes), ...coming(newcomers, systems), ...strangers()]
  return made.map(({ fields, ...rest }, nth) => ({ ...rest, fields: { job_key: `order-${nth + 1}`, ...fields } }))
}

/** One more column than there are people is an error of this file, not a shorter run. */
const must = (value) => {
  if (value === undefined) throw new Error('more orders than people')
  return value
}

function leaving(people, modes) {
  const ways = modes.flatMap((mode) => WHO.map((who) => ({ mode, who })))
  return people.map((person, nth) => {
    const { mode, who } = ways[nth % ways.length]
    const fields = { workflow: 'offboard', [who]: must(person[who]), mode }
    return { about: `leaves, by ${who}, ${mode}`, fields, state: 'succeeded', person }
  })
}

/** ACS users as the orders name them; the second says how many there are to be. */
const LINKS = [
  ['acs_user_id', (one) => [{ acs_user_id: one.acs_user_ids[0] }], 1],
  ['system and its e-mail', (one, home) => [{ acs_system_id: home }], 1, 'email_address'],
  ['system and its phone', (one, home) => [{ acs_system_id: home }], 1, 'phone_number'],
  ['e-mail alone', (one) => [{ email_address: one.email_address }], 1],
  ['create', (one, home, other) => [{ acs_system_id: other, create: true }], 1],
  ['link and create', (one, home, other) => [{ acs_user_id: one.acs_user_ids[0] }, { acs_system_id: other, create: true }], 2],
  ['nothing', () => [], 0],
]

function coming(newcomers, systems) {
  return newcomers.map((person, nth) => {
    const [way, link, count, only] = LINKS[nth % LINKS.length]
    const number = Number(person.user_identity_key.replace(/\D/g, ''))
    // The sandbox deals the systems out by number.
    const acs_users = link(person, systems[number % systems.length], systems[(number + 1) % systems.length])
    const known = Object.fromEntries(['email_address', 'phone_number'].filter((name) => !only || name === only).map((name) => [name, person[name]]))
    const named = { user_identity_key: person.user_identity_key, full_name: `Newcomer ${number}` }
    const fields = { workflow: 'onboard', ...named, ...known, ...(count && { acs_users }) }
    return { about: `comes, ACS users by ${way}`, fields, state: 'succeeded', person, count }
  })
}

/** Nobody of that name: a person has to look. */
function strangers() {
  const nobody = {
    user_identity_key: 'nobody-knows-me',
    user_identity_id: '00000000-0000-4000-8000-000000000000',
    email_address: 'nobody@example.com',
    phone_number: '+15559999999',
  }
  return WHO.map((who) => ({ about: `nobody, by ${who}`, fields: { workflow: 'offboard', [who]: nobody[who] }, state: 'held' }))
}

/** The same as CSV, as far as its columns reach. */
export function csv(rows) {
  const columns = ['job_key', 'workflow', ...WHO, 'full_name', 'mode', 'acs_user_ids']
  const line = (row) => columns.map((name) => (name === 'acs_user_ids' ? ids(row) : row[name]) ?? '').join(',')
  return [columns.join(','), ...rows.map(line), ''].join('\n')
}

const ids = ({ acs_users: links = [] }) => links.map(({ acs_user_id: id }) => id).join(';')

export const fitsCsv = ({ acs_users: links = [] }) => links.every((link) => link.acs_user_id && !link.create)
