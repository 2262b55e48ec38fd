// Judges recordings by Seam's published specification: `node validate.mjs [--full] FILE…`
// Exit 1 on any violation that known.mjs does not explain; with `--full` also on an entry there that explains nothing.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { judge } from './judge.mjs'
import { KNOWN, explains } from './known.mjs'
import { readSpec } from './spec.mjs'

const LEAST = { exchanges: 2_000, endpoints: 30 }

export const readRecording = (file) => readFileSync(file, 'utf8').trimEnd().split('\n').filter(Boolean).map((line) => JSON.parse(line))

/** Violations by what they say, each with how often, one example, and the entry that explains it. */
export function group(spec, exchanges) {
  const groups = new Map()
  for (const exchange of exchanges) {
    for (const violation of judge(spec, exchange)) {
      const { side, endpoint, method, at, what } = violation
      const known = KNOWN.find((entry) => explains(entry, violation, exchange))
      const line = `${side} ${method} ${endpoint}: ${at} ${what}`
      // The same words may be explained in one recording and not in another.
      const key = `${line} ${KNOWN.indexOf(known)}`
      if (!groups.has(key)) groups.set(key, { line, count: 0, example: exchange, known })
      groups.get(key).count += 1
    }
  }
  return [...groups.values()].sort((a, b) => a.line.localeCompare(b.line))
}

const short = (text) => (text?.length > 900 ? `${text.slice(0, 900)} …` : text)

function print({ line, count, example }) {
  const { run, query, request_body: sent, status, response_body: came } = example
  console.log(`VIOLATION ${line} (${count} times)`)
  console.log(`  in ${run}: ${[query && `?${query}`, sent].filter(Boolean).join(' ') || 'no parameters'}\n  -> ${status} ${short(came)}`)
}

async function main() {
  const { values, positionals: files } = parseArgs({ options: { full: { type: 'boolean' } }, allowPositionals: true })
  const spec = await readSpec()
  const exchanges = files.flatMap(readRecording)
  const groups = group(spec, exchanges)
  const unexplained = groups.filter(({ known }) => !known)
  unexplained.forEach(print)
  const stale = KNOWN.filter((entry) => !groups.some(({ known }) => known === entry))
  for (const { endpoint, at } of values.full ? stale : []) console.log(`STALE in known.mjs: ${endpoint} ${at}`)
  for (const name of new Set(exchanges.map(({ run }) => run))) {
    const own = exchanges.filter(({ run }) => run === name)
    console.log(`  ${name.padEnd(24)} ${String(own.length).padStart(6)} exchanges ${String(count(own)).padStart(4)} endpoints`)
  }
  const few = values.full && (exchanges.length < LEAST.exchanges || count(exchanges) < LEAST.endpoints)
  if (few) console.log(`too few: at least ${LEAST.exchanges} exchanges over ${LEAST.endpoints} endpoints`)
  const explained = groups.filter(({ known }) => known).reduce((sum, { count: times }) => sum + times, 0)
  const times = unexplained.reduce((sum, { count: one }) => sum + one, 0)
  console.log(`${exchanges.length} exchanges over ${count(exchanges)} endpoints, ${explained} explained violations, ${times} unexplained violations`)
  process.exitCode = unexplained.length > 0 || exchanges.length === 0 || few || (values.full && stale.length > 0) ? 1 : 0
}

const count = (exchanges) => new Set(exchanges.map(({ path }) => path)).size

if (process.argv[1] === new URL(import.meta.url).pathname) await main()
