// Every SDK lives its life on a sandbox of its own, recorded: `node lives.mjs [NAME…]`
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { HERE, TARGET } from './packages.mjs'
import { RECORDINGS, start, world } from './rig.mjs'

const python = (version) => path.join(TARGET, version, 'bin', 'python')
const SDKS = {
  'python-new': [python('python'), 'life.py'],
  'python-old': [python('python-old'), 'life.py'],
  'node-new': ['node', 'life.mjs', 'seam'],
  'node-old': ['node', 'life.mjs', 'seam-old'],
}
const PEOPLE = 8

async function live(name, seed) {
  const [program, script, ...more] = SDKS[name]
  const seam = await world({ run: name, seed })
  await seam.seed(PEOPLE)
  const log = path.join(RECORDINGS, `${name}.log`)
  writeFileSync(log, '')
  const env = { ...seam.env(), CONTRACT_TARGET: TARGET, PYTHONDONTWRITEBYTECODE: '1' }
  const child = start(program, [path.join(HERE, script), name, ...more], { env, log, stdout: 'inherit' })
  const given_up = setTimeout(() => child.kill('SIGKILL'), 180_000)
  const code = await child.ended
  clearTimeout(given_up)
  await seam.stop()
  if (code !== 0) console.log(`  ${name} FAILED (${code})\n${readFileSync(log, 'utf8').slice(-3000)}`)
  return code === 0
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SDKS)
const good = []
for (const [nth, name] of wanted.entries()) good.push(await live(name, 100 + nth))
process.exit(good.every(Boolean) ? 0 : 1)
