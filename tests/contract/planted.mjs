// Plants one mistake after the other into exchanges that are good, and wants each to be found where it was planted:
// `node planted.mjs FILE…`. Exit 1 if one stays hidden, or if there is no exchange to plant it in.
import { judge } from './judge.mjs'
import { KNOWN, explains } from './known.mjs'
import { readSpec } from './spec.mjs'
import { readRecording } from './validate.mjs'

const path = (wanted, method = 'POST') => (one) => one.path === wanted && one.method === method && one.status === 200
const status = (wanted) => (one) => one.status === wanted
/** A good answer at this path, by whatever method, whose body has something. */
const answer = (wanted, has) => (one) => one.path === wanted && one.status === 200 && has(JSON.parse(one.response_body))

const edit = (part) => (change) => (one) => {
  const body = JSON.parse(one[part])
  one[part] = JSON.stringify(change(body) ?? body)
}
const asked = edit('request_body')
const told = edit('response_body')
const query = (change) => (one) => (one.query = change(one.query))
const rename = (from, to) => (body) => {
  body[to] = body[from]
  delete body[from]
}

const deleting = (body) => body.acs_user.warnings.length > 0 && body.acs_user.pending_mutations.length > 0
const found = status(404)

/** What is planted, where, how, and on which side and at which place it has to be found. */
const PLANTED = [
  ['a misspelt parameter in a body', path('/acs/users/get'), asked(rename('acs_user_id', 'acs_userid')), 'request', '/acs_userid'],
  ['a misspelt parameter in a query', path('/user_identities/get', 'GET'), query((text) => text.replace('user_identity_id=', 'identity_id=')), 'request', '/identity_id'],
  ['a misspelt filter', path('/acs/users/list'), asked((body) => void (body.user_id = 'x')), 'request', '/user_id'],
  ['a misspelt inner parameter', path('/access_grants/create'), asked((body) => void (body.requested_access_methods[0].kind = 'code')), 'request', '/requested_access_methods/*/kind'],
  ['a required parameter left out of a body', path('/user_identities/delete'), asked(() => ({})), 'request', '/user_identity_id'],
  ['a required parameter left out of a query', path('/user_identities/delete', 'DELETE'), query(() => ''), 'request', '/user_identity_id'],
  ['two ways to name one', path('/user_identities/get'), asked((body) => ({ user_identity_id: '00000000-0000-4000-8000-000000000000', user_identity_key: 'x', ...body })), 'request', /key|id/],
  ['no way to name one', path('/acs/users/get'), asked(() => ({})), 'request', '/'],
  ['half a way to name one', path('/acs/users/get'), asked((body) => ({ user_identity_id: body.acs_user_id })), 'request', '/'],
  ['events since for ever', path('/events/list'), asked((body) => ({ event_type: body.event_type })), 'request', '/'],
  ['a number as text', path('/acs/users/list'), asked((body) => void (body.limit = '500')), 'request', '/limit'],
  ['a null that means "has none"', path('/acs/users/list'), asked((body) => void (body.acs_system_id = null)), 'request', '/acs_system_id'],
  ['an empty filter in a query', path('/acs/users/list', 'GET'), query(() => 'acs_system_id=&_strict=true'), 'request', '/acs_system_id'],
  ['an id that is none', path('/acs/users/get'), asked((body) => void (body.acs_user_id = 'x')), 'request', '/acs_user_id'],
  ['a body without content type', path('/acs/users/get'), (one) => delete one.request_headers['content-type'], 'request', '/'],
  ['a method that is refused', path('/user_identities/create'), (one) => (one.method = 'PUT'), 'request', '/'],
  ['a path that is none', path('/acs/users/get'), (one) => (one.path = '/acs/user/get'), 'request', '/'],
  ['a required field left out', path('/user_identities/get'), told((body) => void delete body.user_identity.workspace_id), 'response', '/user_identity/workspace_id'],
  ['a required field left out of one of a list', answer('/acs/users/list', (body) => body.acs_users.length > 1), told((body) => void delete body.acs_users[1].acs_system_id), 'response', '/acs_users/*/acs_system_id'],
  ['no resource at all', path('/workspaces/get'), told(() => ({ ok: true })), 'response', '/workspace'],
  ['no pagination', path('/acs/users/list'), told((body) => void delete body.pagination), 'response', '/pagination'],
  ['an undocumented field', path('/user_identities/get'), told((body) => void (body.user_identity.age = 7)), 'response', '/user_identity/age'],
  ['an undocumented field beside the resource', path('/user_identities/get'), told((body) => void (body.took_ms = 7)), 'response', '/took_ms'],
  ['an undocumented field deep within', answer('/phones/get', (body) => body.phone), told((body) => void (body.phone.properties.colour = 'red')), 'response', '/phone/properties/colour'],
  ['an undocumented field of a warning', answer('/acs/users/get', deleting), told((body) => void (body.acs_user.warnings[0].since = 7)), 'response', '/acs_user/warnings/*/since'],
  ['an unknown warning', answer('/acs/users/get', deleting), told((body) => void (body.acs_user.warnings[0].warning_code = 'rather_odd')), 'response', /^\/acs_user\/warnings/],
  ['a pending mutation without its code', answer('/acs/users/get', deleting), told((body) => void delete body.acs_user.pending_mutations[0].mutation_code), 'response', /^\/acs_user\/pending_mutations/],
  ['an unknown event', answer('/events/list', (body) => body.events.length > 0), told((body) => void (body.events[0].event_type = 'acs_user.vanished')), 'response', /^\/events/],
  ['an event without what it is about', answer('/events/list', (body) => body.events[0]?.event_type === 'acs_user.deleted'), told((body) => void delete body.events[0].acs_user_id), 'response', '/events/*/acs_user_id'],
  ['a field of another type', path('/user_identities/get'), told((body) => void (body.user_identity.errors = null)), 'response', '/user_identity/errors'],
  ['a time that is none', path('/user_identities/get'), told((body) => void (body.user_identity.created_at = 'today')), 'response', '/user_identity/created_at'],
  ['ok that is not true', path('/user_identities/delete'), told((body) => void (body.ok = 'yes')), 'response', '/ok'],
  ['200 with HTML', path('/user_identities/get'), (one) => (one.response_headers['content-type'] = 'text/html'), 'response', '/'],
  ['200 cut short', path('/user_identities/get'), (one) => (one.response_body = one.response_body.slice(0, 40)), 'response', '/'],
  ['an answer that broke off', path('/user_identities/get'), (one) => (one.broken = 'cut'), 'response', '/'],
  ['an error without an envelope', found, told(() => ({ message: 'not found' })), 'response', '/error'],
  ['an error that is a text', found, told((body) => void (body.error = body.error.type)), 'response', '/error'],
  ['an error without a type', found, told((body) => void delete body.error.type), 'response', '/error/type'],
  ['an error without a message', found, told((body) => void delete body.error.message), 'response', '/error/message'],
  ['an error without ok', found, told((body) => void delete body.ok), 'response', '/ok'],
  ['an error with a stack', found, told((body) => void (body.error.stack = 'at …')), 'response', '/error/stack'],
  ['the type of another status', found, told((body) => void (body.error.type = 'invalid_input')), 'response', '/error/type'],
  ['an error without a request id', found, (one) => delete one.response_headers['seam-request-id'], 'response', '/seam-request-id'],
  ['a proxy\'s 404', found, (one) => Object.assign(one, { response_body: '404', response_headers: { 'content-type': 'text/plain' } }), 'response', '/'],
  ['a status that Seam never answers', found, (one) => (one.status = 422), 'response', '/422'],
  ['an outage that nobody ordered', found, (one) => (one.status = 503), 'response', '/503'],
  ['validation errors of another form', (one) => one.response_body?.includes('validation_errors'), told((body) => void (body.error.validation_errors.email_address = 'bad')), 'response', /^\/error\/validation_errors/],
]

const spec = await readSpec()
const exchanges = process.argv.slice(2).flatMap(readRecording).filter((one) => !one.faults)
const wrong = (one) => judge(spec, one).filter((violation) => !KNOWN.some((entry) => explains(entry, violation, one)))
const fits = (at, wanted) => (wanted instanceof RegExp ? wanted.test(at) : at === wanted)

const hidden = PLANTED.flatMap(([about, where, plant, side, at]) => {
  const ground = exchanges.find((one) => where(one) && wrong(one).length === 0)
  if (!ground) return [`${about}: no good exchange to plant it in`]
  const planted = structuredClone(ground)
  plant(planted)
  const caught = wrong(planted)
  if (caught.some((violation) => violation.side === side && fits(violation.at, at))) return []
  return [`${about}: not found at ${side} ${at}, but ${JSON.stringify(caught)}`]
})
for (const line of hidden) console.log(`HIDDEN ${line}`)
console.log(`  ${PLANTED.length} mistakes planted, ${PLANTED.length - hidden.length} found where they were planted`)
process.exit(hidden.length > 0 ? 1 : 0)
