// Fuzzes a sandbox by Seam's published specification: `node fuzz.mjs [--seed N] [--seconds N] [--world NAME=VALUE]…`
// Schemathesis asks, through the recording proxy; every answer is judged like those of the other contract tests.
// First of all the sandbox's endpoints are compared with the specification: paths, methods, parameters.
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { ANSWERS, SURFACE } from './fuzz_known.mjs'
import { KNOWN, explains } from './known.mjs'
import { HERE, TARGET, load } from './packages.mjs'
import { judge } from './judge.mjs'
import { RECORDINGS, pause, start, world } from './rig.mjs'
import { readSpec, shapes } from './spec.mjs'
import { readRecording } from './validate.mjs'

const OPTIONS = {
  seed: { type: 'string', default: '1' },
  seconds: { type: 'string', default: '60' },
  world: { type: 'string', multiple: true, default: [] },
}
/** With fewer exchanges, or more endpoints that never answered 200, too little was tested. */
const LEAST = { exchanges: 1_000, refused: 50, never: 10 }

const ROUNDS = 4

const body = (operation) => operation.post.requestBody?.content['application/json'].schema ?? { type: 'object', properties: {} }

/** The parameters of an endpoint: name, whether every way of asking needs it, whether it may be null, schema. */
function parametersOf(operation) {
  const ways = shapes(body(operation))
  const names = [...new Set(ways.flatMap((way) => Object.keys(way.properties)))]
  return names.map((name) => {
    const schema = ways.map((way) => way.properties[name]).find(Boolean)
    return { name, required: ways.every((way) => way.required?.includes(name)), nullable: schema.nullable === true, schema }
  })
}

/** What the sandbox's table says otherwise than the specification. */
function* differences(endpoints, paths) {
  for (const { path: endpoint, methods, params } of endpoints) {
    const operation = paths[endpoint]
    if (!operation) {
      yield `${endpoint}: is not in the specification`
      continue
    }
    const theirs = Object.keys(operation).map((method) => method.toUpperCase())
    for (const method of theirs.filter((one) => !methods.includes(one))) yield `${endpoint}: ${method} is missing`
    for (const method of methods.filter((one) => !theirs.includes(one))) yield `${endpoint}: ${method} is too much`
    const wanted = parametersOf(operation)
    for (const { name } of params.filter((one) => !wanted.some((other) => other.name === one.name))) yield `${endpoint}: ${name} is too much`
    for (const { name, required, nullable } of wanted) {
      const ours = params.find((one) => one.name === name)
      if (!ours) yield `${endpoint}: ${name} is missing`
      else if (ours.required !== required) yield `${endpoint}: ${name} is ${ours.required ? '' : 'not '}required`
      else if (ours.nullable !== nullable) yield `${endpoint}: ${name} is ${ours.nullable ? '' : 'not '}nullable`
    }
  }
}

/** The document for the endpoints there are, with the parameters of the methods that carry them in the query. */
function restricted(openapi, endpoints) {
  const paths = {}
  for (const { path: endpoint } of endpoints.filter((one) => openapi.paths[one.path])) {
    const operation = openapi.paths[endpoint]
    const query = parametersOf(operation)
      .filter(({ schema }) => schema.type && schema.type !== 'object')
      .map(({ name, required, schema }) => ({ name, in: 'query', required, schema, style: 'form', explode: true }))
    paths[endpoint] = {}
    for (const [method, one] of Object.entries(operation)) {
      const inQuery = ['get', 'delete'].includes(method)
      const { requestBody, ...rest } = one
      paths[endpoint][method] = { ...(inQuery ? rest : one), ...(inQuery && query.length > 0 && { parameters: query }) }
    }
  }
  return { ...openapi, paths }
}

async function schemathesis(document, seam, { seed, seconds, phases, mode }) {
  const file = path.join(TARGET, 'fuzz-document.json')
  writeFileSync(file, JSON.stringify(document))
  // Its own checks beyond that of server errors are the judge's here, who also knows what is in no document.
  const options = ['--checks', 'not_a_server_error', '--phases', phases, '--mode', mode, '--seed', `${seed}`, '--max-time', `${seconds}`,
    '--workers', '1', '--continue-on-failure', '--generation-database', 'none', '--suppress-health-check', 'all', '--no-color',
    '--request-timeout', '10', '--warnings', 'off', '--header', `authorization: Bearer ${seam.key}`, '--url', seam.proxy.endpoint]
  const env = { ...process.env, SCHEMATHESIS_HOOKS: 'fuzz_hooks', PYTHONPATH: HERE, PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0' }
  Object.assign(env, { SANDBOX: seam.endpoint, SEAM_API_KEY: seam.key })
  const log = path.join(TARGET, 'fuzz-told')
  rmSync(log, { force: true })
  // It keeps what it found where it runs, and begins with that the next time.
  rmSync(path.join(TARGET, '.schemathesis'), { recursive: true, force: true })
  const child = start('env', ['-C', TARGET, path.join(TARGET, 'fuzz', 'bin', 'schemathesis'), 'run', file, ...options], { env, log, stdout: openSync(log, 'a') })
  const patience = pause((seconds + 60) * 1000).then(() => 'no end')
  const ended = await Promise.race([child.ended, patience])
  return { ended, told: readFileSync(log, 'utf8').split('\n').slice(-80).map((line) => line.slice(0, 300)).join('\n') }
}

/** Violations by what they say, each with how often and one example. What the client did wrong was the point. */
function violations(spec, exchanges) {
  const groups = new Map()
  for (const exchange of exchanges) {
    for (const violation of judge(spec, exchange).filter(({ side }) => side === 'response')) {
      const known = [...KNOWN, ...ANSWERS].find((entry) => explains(entry, violation, exchange) && (entry.when?.(exchange) ?? true))
      if (known) continue
      const line = `${violation.method} ${violation.endpoint}: ${violation.at} ${violation.what}`
      if (!groups.has(line)) groups.set(line, { line, count: 0, example: exchange })
      groups.get(line).count += 1
    }
  }
  return [...groups.values()].sort((a, b) => a.line.localeCompare(b.line))
}

const short = (text) => (text?.length > 600 ? `${text.slice(0, 600)} …` : text)

async function main() {
  const { values } = parseArgs({ options: OPTIONS })
  const { openapi } = await load('@seamapi/types/connect')
  mkdirSync(path.join(RECORDINGS, 'fuzz'), { recursive: true })
  const args = values.world.flatMap((one) => ['--world', one])
  const seam = await world({ run: `fuzz/${values.seed}`, seed: values.seed, speed: 10, args })
  await seam.seed(120, 20)
  const endpoints = await seam.ask('/_sandbox/endpoints')
  const differing = [...differences(endpoints, openapi.paths)]
  const surprising = differing.filter((line) => !SURFACE.some(({ line: known }) => known.test(line)))
  const document = restricted(openapi, endpoints)
  const half = Math.ceil(Number(values.seconds) / 2)
  const tested = []
  // A busy machine gets more rounds rather than a verdict on too little.
  for (let round = 0; round < ROUNDS && (await seam.ask('/_sandbox/truth')).requests < LEAST.exchanges * 1.5; round += 1) {
    for (const [phases, mode] of [['fuzzing', 'positive'], ['coverage,fuzzing', 'all']]) {
      tested.push(await schemathesis(document, seam, { seed: Number(values.seed) + 1000 * round, seconds: half, phases, mode }))
    }
  }
  await seam.stop()
  const exchanges = readRecording(seam.file)
  const found = violations(await readSpec(), exchanges)
  for (const line of surprising) console.log(`SURFACE ${line}`)
  for (const { line } of SURFACE.filter((entry) => !differing.some((one) => entry.line.test(one)))) console.log(`STALE in fuzz_known.mjs: ${line}`)
  for (const { line, count, example } of found) {
    console.log(`VIOLATION ${line} (${count} times)\n  ?${short(example.query)} ${short(example.request_body)}`)
    console.log(`  -> ${example.status} ${short(example.response_body)}`)
  }
  const count = (test) => exchanges.filter(test).length
  const [good, refused] = [count(({ status }) => status === 200), count(({ status }) => status === 400)]
  const never = endpoints.map((one) => one.path).filter((one) => openapi.paths[one] && !exchanges.some(({ path: asked, status }) => asked === one && status === 200))
  const broken = tested.filter(({ ended }) => ended !== 0)
  const few = exchanges.length < LEAST.exchanges || never.length > LEAST.never || refused < LEAST.refused
  broken.forEach(({ told }) => console.log(told))
  const asked = new Set(exchanges.map(({ path: endpoint }) => endpoint)).size
  console.log(`seed ${values.seed}: ${exchanges.length} exchanges over ${asked} of ${endpoints.length} endpoints, ${good} answered 200, ${refused} 400;`)
  if (never.length > 0) console.log(`never answered 200: ${never.join(' ')}`)
  console.log(`${found.length} kinds of violation, ${surprising.length} surprising differences of the surface, ${differing.length - surprising.length} known ones`)
  process.exitCode = found.length > 0 || surprising.length > 0 || few || broken.length > 0 ? 1 : 0
}

await main()
process.exit()
