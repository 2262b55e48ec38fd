// Lives the life of life.json with a Node SDK: `node life.mjs NAME PACKAGE`, Seam by SEAM_ENDPOINT and SEAM_API_KEY.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'

import { HERE, load } from './packages.mjs'
import { pause } from './rig.mjs'

const life = JSON.parse(readFileSync(path.join(HERE, 'life.json'), 'utf8'))
const [name, from] = process.argv.slice(2)
const { SEAM_ENDPOINT: endpoint, SEAM_API_KEY: key } = process.env
const sdk = await load(from)
const kinds = { api: sdk.SeamHttpApiError, input: sdk.SeamHttpInvalidInputError, unauthorized: sdk.SeamHttpUnauthorizedError }
// What Seam calls undocumented is in the old generation only: the enrollment automations.
const client = (apiKey) => new sdk.SeamHttp({ apiKey, endpoint, isUndocumentedApiEnabled: true })
const seam = client(key)

const camel = (text) => text.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())

/** The SDK's method of this name, or undefined. */
function method(place, dotted) {
  const names = dotted.split('.').map(camel)
  const last = names.pop()
  for (const one of names) place = place?.[one]
  return typeof place?.[last] === 'function' ? place[last].bind(place) : undefined
}

/** Puts in what earlier steps kept; undefined if one of them was skipped. */
function filled(value, kept) {
  if (typeof value === 'string' && value.startsWith('$')) return kept[value.slice(1)]
  if (value !== Object(value)) return value
  const all = Object.entries(value).map(([field, inner]) => [field, filled(inner, kept)])
  if (all.some(([, inner]) => inner === undefined)) return undefined
  return Array.isArray(value) ? all.map(([, inner]) => inner) : Object.fromEntries(all)
}

async function eventually(check) {
  for (let tries = 0; tries < 300; tries += 1) {
    try {
      return await check()
    } catch (error) {
      if (!(error instanceof assert.AssertionError)) throw error
      await pause(100)
    }
  }
  return check()
}

async function raised(act, { kind, status, code, field }) {
  const error = await act().then(() => assert.fail('nothing was raised'), (one) => one)
  if (error instanceof assert.AssertionError) throw error
  assert(error instanceof kinds[kind], `${error?.constructor?.name} is raised instead of ${kinds[kind].name}`)
  assert.deepEqual([error.statusCode, error.code], [status, code])
  assert(error.requestId, 'the error has no request id')
  if (field) assert(error.getValidationErrorMessages(field).length > 0, `nothing is said about ${field}`)
}

const matches = (fields) => (one) => Object.entries(fields).every(([field, value]) => one[field] === value)

async function plain(act, step, kept) {
  const sent = filled(step.with ?? {}, kept)
  const once = async () => {
    if (step.raises) return raised(() => act(sent), step.raises)
    const answer = await act(sent)
    const { expect, has } = { expect: filled(step.expect ?? {}, kept), has: filled(step.has ?? {}, kept) }
    for (const [field, value] of Object.entries(expect)) assert.equal(answer[field], value, field)
    if (step.has) assert.equal(answer.filter(matches(has)).length, 1, `${JSON.stringify(has)} is not there once`)
    if (step.none) assert.deepEqual(answer, [])
    const first = Array.isArray(answer) ? answer[0] : answer
    for (const [to, field] of Object.entries(step.keep ?? {})) assert((kept[to] = first[field]), `no ${field}`)
  }
  return step.eventually ? eventually(once) : once()
}

async function each(act, step, kept) {
  const ids = (await method(seam, step.each)(filled(step.with, kept))).map((one) => one[step.id])
  assert(ids.length > 0, 'nothing is there to go')
  for (const id of ids) await act({ [step.id]: id })
  await eventually(async () => {
    const told = await seam.events.list({ since: kept.since, event_type: step.event })
    const missing = ids.filter((id) => !told.some((event) => event[step.id] === id))
    assert.deepEqual(missing, [], `no ${step.event}`)
  })
}

async function pages(list, step) {
  const whole = (await list({ limit: 500 })).map((one) => one[step.id])
  const paginator = seam.createPaginator(list({ limit: step.limit }))
  let [page, state] = await paginator.firstPage()
  const found = [page]
  while (state.hasNextPage) {
    ;[page, state] = await paginator.nextPage(state.nextPageCursor)
    found.push(page)
  }
  assert(found.length > 1, 'there is one page only')
  assert.deepEqual(found.flat().map((one) => one[step.id]), whole)
  const flat = await seam.createPaginator(list({ limit: step.limit })).flattenToArray()
  assert.deepEqual(flat.map((one) => one[step.id]), whole)
}

const skipped = new Set()
let done = 0

async function run(steps, kept) {
  for (const step of steps) {
    const called = step.pages ?? step.do
    const act = method(step.as ? client(step.as) : seam, called)
    const known = act && (!step.pages || seam.createPaginator) && filled(step.with ?? {}, kept) !== undefined
    if (!known) {
      skipped.add(`${step.pages ? 'pages of ' : ''}${called}(${Object.keys(step.with ?? {}).join(', ')})`)
      continue
    }
    try {
      await (step.pages ? pages(act, step) : step.each ? each(act, step, kept) : plain(act, step, kept))
    } catch (error) {
      throw new Error(`${name}: ${JSON.stringify(step)}: ${error.stack}`)
    }
    done += 1
  }
}

const at = (ms) => new Date(Date.now() + ms).toISOString()
const base = { since: at(-60_000), later: at(3_600_000) }
await run(life.before, base)
for (const [nth, end] of ['ordered', 'cascade'].entries()) {
  const kept = { ...base, key: `${name}-${end}`, email: `${name}-${end}@example.com`, phone: `+1555700000${nth}` }
  await run([...life.build, ...life[end]], kept)
}
await run(life.after, base)
assert.deepEqual([...skipped].sort(), life.skips[name] ?? [], 'other steps than agreed were skipped')
console.log(`  ${name}: ${done} steps, ${skipped.size} kinds of step skipped, as agreed for what this generation lacks`)
process.exit()
