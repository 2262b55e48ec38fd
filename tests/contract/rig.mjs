// Starts what a contract test needs, ends it by its id whatever happens, and waits with a bound.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import readline from 'node:readline'

import { HERE, TARGET } from './packages.mjs'
import { record } from './proxy.mjs'

export const BINARY = process.env.BACKSTITCH ?? path.join(HERE, '../../target/debug/backstitch')
export const RECORDINGS = path.join(TARGET, 'recordings')
const PATIENCE_MS = 180_000

/** Ended with this process, in whatever way it ends. */
const children = new Set()
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

export const pause = (ms) => new Promise((done) => setTimeout(done, ms))

/** Asks again and again until the answer is not undefined. */
export async function until(what, ask, { every_ms = 50 } = {}) {
  const patience = AbortSignal.timeout(PATIENCE_MS)
  while (!patience.aborted) {
    const found = await ask()
    if (found !== undefined) return found
    await pause(every_ms)
  }
  throw new Error(`waited in vain for ${what}`)
}

/** Starts a process; its talk goes to the file `log`. */
export function start(command, args, { env = {}, log, stdout = 'ignore' } = {}) {
  const talk = openSync(log, 'a')
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', stdout, talk] })
  closeSync(talk)
  children.add(child)
  child.ended = once(child, 'exit').then(([code, signal]) => {
    children.delete(child)
    return code ?? signal
  })
  return child
}

/** Sends SIGTERM and wants a clean end. */
export async function stop(child, what) {
  child.kill('SIGTERM')
  const code = await Promise.race([child.ended, pause(30_000).then(() => 'no end within 30 s')])
  if (code !== 0) throw new Error(`${what} ended with ${code}`)
}

/** A sandbox with a recording proxy before it. `run` names the recording. */
export async function world({ run, seed = 1, speed = 10, args = [], faults = false }) {
  mkdirSync(RECORDINGS, { recursive: true })
  const log = path.join(RECORDINGS, `${run}.sandbox.log`)
  const options = ['sandbox', '--listen', '127.0.0.1:0', '--seed', seed, '--speed', speed, '--quiet', '--people', 0, ...args]
  const sandbox = start(BINARY, options.map(String), { log, stdout: 'pipe' })
  const said = {}
  for await (const line of readline.createInterface({ input: sandbox.stdout })) {
    const [name, value] = line.split(/=(.*)/)
    said[name] = value
    if (said.endpoint && said.api_key) break
  }
  if (!said.api_key) throw new Error(`the sandbox did not start: ${readFileSync(log, 'utf8')}`)
  const file = path.join(RECORDINGS, `${run}.jsonl`)
  const proxy = await record({ target: said.endpoint, file, run, faults })
  return new World(sandbox, said, proxy, file)
}

class World {
  constructor(sandbox, { endpoint, api_key: key }, proxy, file) {
    Object.assign(this, { sandbox, endpoint, key, proxy, file })
  }

  /** What a client of the recorded Seam needs. */
  env() {
    return { SEAM_ENDPOINT: this.proxy.endpoint, SEAM_API_KEY: this.key }
  }

  /** Asks the sandbox itself, past the recording. */
  async ask(route, body) {
    const headers = { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
    const answer = await fetch(`${this.endpoint}${route}`, { ...sent, signal: AbortSignal.timeout(10_000) })
    if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }

  seed(people, candidates = 0) {
    return this.ask('/_sandbox/seed', { people, candidates })
  }

  async stop() {
    await this.proxy.stop()
    await stop(this.sandbox, 'the sandbox')
  }
}

/** Runs a command of ours to its end. */
export function command(args, env = {}) {
  return spawnSync(BINARY, args, { env: { PATH: process.env.PATH, ...env }, encoding: 'utf8', timeout: PATIENCE_MS })
}
