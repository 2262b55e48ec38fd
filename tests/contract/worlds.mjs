// The daemon in every world that Seam leaves open, recorded: `node worlds.mjs [NAME=VALUE…]`. The answers are those of
// uncertain.md, each alone, the others at their default.
import { readFileSync } from 'node:fs'
import path from 'node:path'

import { HERE, TARGET } from './packages.mjs'
import { BINARY, RECORDINGS, start } from './rig.mjs'

/** At a time: the machine may be small, and the daemon's waits are short here. */
const AT_ONCE = 2

/** Every answer but the default of every row of the table. */
function worlds() {
  const rows = readFileSync(path.join(HERE, 'uncertain.md'), 'utf8').split('\n').filter((line) => line.startsWith('| `'))
  const words = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word)
  return rows.flatMap((row) => {
    const [, name, answers] = row.split('|')
    return words(answers).slice(1).map((answer) => `${words(name)[0]}=${answer}`)
  })
}

async function live(world) {
  const log = path.join(RECORDINGS, `daemon-${world}.log`)
  const env = { BACKSTITCH: BINARY, CONTRACT_TARGET: TARGET }
  const child = start('node', [path.join(HERE, 'daemon.mjs'), '--world', world], { env, log, stdout: 'inherit' })
  const good = (await child.ended) === 0
  if (!good) console.log(`  FAILED in ${world}\n${readFileSync(log, 'utf8').slice(-2000)}`)
  return good
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : worlds()
if (wanted.length === 0) throw new Error('uncertain.md has no table')
const waiting = [...wanted]
const good = []
const work = async () => {
  while (waiting.length > 0) good.push(await live(waiting.shift()))
}
await Promise.all(Array.from({ length: AT_ONCE }, work))
console.log(`  ${wanted.length} worlds, ${good.filter(Boolean).length} of them lived through`)
process.exit(good.every(Boolean) ? 0 : 1)
