// Judges one recorded exchange: what the client sent, and what the sandbox answered.
import { parameters } from './decode.mjs'
import { judgeError } from './errors.mjs'
import { judgeNeeds } from './needs.mjs'
import { words } from './spec.mjs'

/** Gives what is wrong, each with its side: `request` is the client's fault, `response` the sandbox's. */
export function judge(spec, exchange) {
  const { path: endpoint, method, status } = exchange
  const methods = spec.methods(endpoint)
  const say = (side) => (problem) => ({ side, endpoint, method, ...problem })
  if (methods.length === 0) return [say('request')({ at: '/', what: 'is no endpoint of the specification' })]
  if (!methods.includes(method)) {
    const refused = status === 405 ? [] : [{ at: '/', what: `${method} is not refused with 405` }]
    const asked = [{ at: '/', what: `is asked by ${method} instead of ${methods}` }]
    return [...asked.map(say('request')), ...refused.map(say('response')), ...errorOf(exchange).map(say('response'))]
  }
  return [...judgeRequest(spec, exchange).map(say('request')), ...judgeResponse(spec, exchange).map(say('response'))]
}

function judgeRequest(spec, exchange) {
  const schema = spec.requestSchema(exchange.path)
  const { found, problems } = parameters(exchange, schema)
  const fits = spec.request(exchange.path)
  return [...problems, ...unfit(fits, found), ...judgeNeeds(exchange.path, found)]
}

/** What a validator has against a value; never nothing when it refuses. */
function unfit(fits, value) {
  if (fits(value)) return []
  const told = words(fits.errors)
  return told.length > 0 ? told : [{ at: '/', what: 'does not fit the specification' }]
}

const errorOf = (exchange) => (exchange.status === undefined || exchange.status === 200 ? [] : judgeError(exchange))

function judgeResponse(spec, exchange) {
  const { path, method, status, broken, faults, response_headers: headers, response_body: body } = exchange
  if (broken) {
    // A client that stops waiting is no fault of the answer.
    return faults || broken === 'the client went away' ? [] : [{ at: '/', what: `is an answer that broke off (${broken})` }]
  }
  if (status !== 200) return judgeError(exchange)
  if (!/^application\/json\b/.test(headers['content-type'] ?? '')) return faults ? [] : [{ at: '/', what: 'is 200 without JSON' }]
  let read
  try {
    read = JSON.parse(body)
  } catch {
    return [{ at: '/', what: 'is 200 with something that is not JSON' }]
  }
  const fits = spec.response(path, method)
  const problems = unfit(fits, read)
  if (read?.ok !== true) problems.push({ at: '/ok', what: 'is not true' })
  if (!headers['seam-request-id']) problems.push({ at: '/seam-request-id', what: 'is no header of the answer' })
  return problems
}
