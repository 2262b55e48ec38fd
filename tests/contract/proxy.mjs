// A proxy that writes every exchange with the sandbox to a file, one JSON line each, and changes nothing.
// Resets, answers that break off, and silence reach the client as they came.
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import http from 'node:http'

const SECRET = /^(authorization|seam-api-key|client-session-token|seam-client-session-token|cookie)$/i

const masked = (raw) => Object.fromEntries(pairs(raw).map(([name, value]) => [name.toLowerCase(), SECRET.test(name) ? '***' : value]))

const pairs = (raw) => Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at], raw[2 * at + 1]])

/**
 * Records what goes to `target` into `file`, anew. `faults`: whether the sandbox was told to misbehave meanwhile.
 * Gives the proxy's own address and how to end it.
 */
export async function record({ target, file, run, faults = false }) {
  const upstream = new URL(target)
  const out = createWriteStream(file)
  // A kept connection could die between two requests, which the client would take for the sandbox's deed.
  const agent = new http.Agent({ keepAlive: false })
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, target)
    const exchange = { run, faults, method: request.method, path: url.pathname, query: url.search.slice(1) }
    exchange.request_headers = masked(request.rawHeaders)
    // What lies behind the scene is not Seam's.
    const keep = () => url.pathname.startsWith('/_sandbox') || out.write(JSON.stringify(exchange) + '\n')
    forward({ upstream, agent, request, response, exchange, keep })
  })
  // The sandbox is as patient as it is; the proxy never ends a request by itself.
  Object.assign(server, { requestTimeout: 0, headersTimeout: 0, timeout: 0, keepAliveTimeout: 600_000 })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    server.closeAllConnections()
    server.close()
    agent.destroy()
    out.end()
    await once(out, 'finish')
  }
  return { endpoint: `http://127.0.0.1:${server.address().port}`, stop }
}

function forward({ upstream, agent, request, response, exchange, keep }) {
  const sent = []
  const { hostname: host, port } = upstream
  const onward = http.request({ agent, host, port, method: request.method, path: request.url, setHost: false })
  for (const [name, value] of pairs(request.rawHeaders)) onward.appendHeader(name, value)
  let told = false
  const tell = (broken) => {
    if (told) return
    told = true
    keep(Object.assign(exchange, { request_body: Buffer.concat(sent).toString() }, broken && { broken }))
  }
  request.on('data', (chunk) => sent.push(chunk))
  request.pipe(onward)
  response.on('close', () => {
    if (!response.writableFinished) {
      tell('the client went away')
      onward.destroy()
    }
  })
  onward.on('error', () => {
    tell('reset')
    request.socket.resetAndDestroy()
  })
  onward.on('response', (answer) => {
    const received = []
    Object.assign(exchange, { status: answer.statusCode, response_headers: masked(answer.rawHeaders) })
    response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders)
    const end = (broken) => {
      exchange.response_body = Buffer.concat(received).toString()
      tell(broken)
    }
    answer.on('data', (chunk) => {
      received.push(chunk)
      response.write(chunk)
    })
    answer.on('end', () => {
      end()
      response.end()
    })
    // Only once the bytes that came are out: the client sees the same beginning.
    answer.on('error', () => {
      end('cut')
      response.write('', () => request.socket.destroySoon())
    })
  })
}
