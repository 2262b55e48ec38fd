// What Seam answers instead of 200. Its specification names only 400 and 401 and no shape; these are the statuses, types
// and the envelope that its framework, its SDKs and its own simulator show.

const named = (...names) => new RegExp(`^(${names.join('|')})$`)

/** The types that may come with a status. */
const TYPES = {
  400: named('invalid_input', 'invalid_content_type', 'invalid_query_params', 'mismatched_page_parameters', 'full_name_required',
    'user_identity_not_found', 'client_session_token_already_exists', 'user_identity_email_or_phone_conflict'),
  401: named('unauthorized'),
  // The likes of a key that lacks the right: Seam names none for these endpoints.
  403: named('forbidden'),
  404: /^[a-z_]+_not_found$/,
  405: named('method_not_allowed'),
  409: /(conflict|duplicate|already_exists)/,
}
/** What comes besides when faults are on: whatever a server, or a proxy before it, may say. */
const FAULTY = { 429: /^[a-z_]+$/, 500: named('internal_server_error') }

const isObject = (value) => value === Object(value) && !Array.isArray(value)

/** What is wrong with an answer that is not 200. */
export function judgeError({ status, faults, response_headers: headers, response_body: body }) {
  const types = TYPES[status] ?? (faults ? FAULTY[status] : undefined)
  if (!types && faults && status >= 500) return []
  if (!types) return [{ at: `/${status}`, what: 'is a status that Seam does not answer' }]
  const isJson = /^application\/json\b/.test(headers['content-type'] ?? '')
  if (!isJson) return faults ? [] : [{ at: '/', what: 'is an error without the envelope (content type)' }]
  let read
  try {
    read = JSON.parse(body)
  } catch {
    return [{ at: '/', what: 'is an error that is not JSON' }]
  }
  return envelope(read, status, types, headers)
}

function envelope(read, status, types, headers) {
  const problems = []
  const expect = (good, at, what) => good || problems.push({ at, what })
  if (!isObject(read) || !isObject(read.error)) return [{ at: '/error', what: 'is missing or no object' }]
  const { error, ok, ...others } = read
  const { type, message, data, validation_errors: tree, ...unknown } = error
  expect(ok === false, '/ok', 'is not false')
  expect(typeof type === 'string' && types.test(type), '/error/type', `is not a type of ${status}: ${type}`)
  expect(typeof message === 'string' && message !== '', '/error/message', 'is no text')
  expect(data === undefined || isObject(data), '/error/data', 'is no object')
  for (const name of Object.keys(others)) expect(false, `/${name}`, 'is not in the envelope')
  for (const name of Object.keys(unknown)) expect(false, `/error/${name}`, 'is not in the envelope')
  expect(headers['seam-request-id'], '/seam-request-id', 'is no header of the answer')
  if (tree !== undefined) {
    expect(type === 'invalid_input', '/error/validation_errors', `comes with ${type}`)
    problems.push(...judgeTree(tree, '/error/validation_errors'))
  }
  return problems
}

/** `{"_errors": [text], "<field>": the same again}` */
function judgeTree(tree, at) {
  if (!isObject(tree)) return [{ at, what: 'is no object' }]
  const { _errors: texts, ...fields } = tree
  const listed = Array.isArray(texts) && texts.every((text) => typeof text === 'string')
  const problems = listed ? [] : [{ at: `${at}/_errors`, what: 'is no list of texts' }]
  return problems.concat(Object.entries(fields).flatMap(([name, inner]) => judgeTree(inner, `${at}/${name}`)))
}
