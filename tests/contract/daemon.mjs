// The daemon's full run, recorded: `node daemon.mjs [--faults RATE] [--world NAME=VALUE]`. Every order has to end as it
// should, in truth.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { csv, fitsCsv, orders } from './orders.mjs'
import { TARGET } from './packages.mjs'
import { BINARY, command, start, stop, until, world } from './rig.mjs'

/** The daemon's waits are divided by the one, the sandbox's delays by the other: what has to outlast them does. */
const [SPEED, SANDBOX_SPEED] = ['100', '10']
// So old may a list be that the sandbox answers, at whatever speed (src/sandbox/faults.rs): whoever is younger may be missing in it, and an
// order by phone number is then held, as it should be.
const STALE_MS = 2_000
const SETTINGS = `
[database]
path = "b.db"
[seam]
rate_per_s = 2000
burst = 2000
connect_timeout_s = 2
read_timeout_s = 2
timeout_s = 3
[brake]
max_offboards = 1000000
max_share = 1.0
floor = 1000000
[[inputs]]
path = "drop"
[[inputs]]
path = "people.jsonl"
`

const { values } = parseArgs({ options: { faults: { type: 'string', default: '0' }, world: { type: 'string' } } })
const rate = Number(values.faults)
const run = ['daemon', rate > 0 && 'faults', values.world].filter(Boolean).join('-')

/** What the binary can do: the modes that it does not refuse in an order. */
function modes(folder) {
  const accepts = (mode) => {
    const file = path.join(folder, `${mode}.jsonl`)
    writeFileSync(file, JSON.stringify({ job_key: 'x', workflow: 'offboard', user_identity_key: 'x', mode }) + '\n')
    return command(['check', '--config', path.join(folder, 'b.toml'), file]).status === 0
  }
  return ['ordered', 'cascade'].filter((mode) => accepts(mode) || console.log(`  SKIPPED mode ${mode}: this build refuses it`))
}

/** Half of the orders as a file that stays, the others dropped into a folder in both formats. */
function hand_in(folder, made) {
  const rows = made.map(({ fields }) => fields)
  const [stay, rest] = [rows.filter((_, nth) => nth % 2 === 0), rows.filter((_, nth) => nth % 2 === 1)]
  const lines = (all) => all.map((row) => JSON.stringify(row) + '\n').join('')
  const place = (name, text) => {
    writeFileSync(path.join(folder, 'new'), text)
    renameSync(path.join(folder, 'new'), path.join(folder, name))
  }
  place('drop/orders.csv', csv(rest.filter(fitsCsv)))
  place('drop/orders.jsonl', lines(rest.filter((row) => !fitsCsv(row))))
  place('people.jsonl', lines(stay))
}

/** Waits until every order is where it should end. */
async function settled(folder, made) {
  const look = () => {
    const told = command(['jobs', '--json', '--limit', '1000', '--config', path.join(folder, 'b.toml')])
    return new Map((told.status === 0 ? JSON.parse(told.stdout) : []).map((job) => [job.job_key, job]))
  }
  let open = made
  const done = () => {
    const jobs = look()
    open = made.map((order) => ({ ...order, job: jobs.get(order.fields.job_key) })).filter(({ state, job }) => job?.state !== state)
    return open.length === 0 || undefined
  }
  await until('the orders to end', done, { every_ms: 500 }).catch((error) => {
    throw new Error([error.message, ...open.map(({ about, job }) => `${about}: ${JSON.stringify(job)}`)].join('\n  '))
  })
}

/** What Seam really holds against where an order ended. */
async function contradiction(seam, { person, count, about, fields }) {
  if (fields.workflow === 'offboard') {
    const [truth] = await seam.ask(`/_sandbox/truth/person?user_identity_id=${person.user_identity_id}`)
    return (truth.alive || truth.belongings.length > 0) && `${about}: ${JSON.stringify(truth)}`
  }
  const people = await seam.ask(`/_sandbox/truth/person?key=${person.user_identity_key}`)
  const linked = people.flatMap(({ belongings }) => belongings).filter(({ kind }) => kind === 'acs_user').length
  return (people.length !== 1 || linked !== count) && `${about}: ${people.length} identities, ${linked} ACS users, not ${count}`
}

async function main() {
  const seam = await world({ run, seed: 7, speed: SANDBOX_SPEED, faults: rate > 0, args: ['--transient', rate, ...(values.world ? ['--world', values.world] : [])] })
  const folder = mkdtempSync(path.join(TARGET, 'daemon-'))
  mkdirSync(path.join(folder, 'drop'))
  writeFileSync(path.join(folder, 'b.toml'), SETTINGS)
  writeFileSync(path.join(folder, 'people.jsonl'), '')
  const [crowd, calm] = run === 'daemon' ? [32, 21] : [12, 7]
  const people = await seam.seed(crowd)
  const newcomers = await seam.seed(0, calm)
  const seeded = Date.now()
  await until('everybody to be in every list', () => Date.now() - seeded > 1.5 * STALE_MS || undefined)
  const listed = await until('the systems', () => seam.ask('/acs/systems/list', {}).catch(() => undefined))
  const systems = listed.acs_systems.map((system) => system.acs_system_id)
  const made = orders({ people, newcomers, systems, modes: modes(folder) })
  hand_in(folder, made)
  const log = path.join(folder, 'run.log')
  const daemon = start(BINARY, ['run', '--speed', SPEED, '--config', path.join(folder, 'b.toml')], { env: seam.env(), log })
  try {
    await settled(folder, made)
    await stop(daemon, 'the daemon')
  } catch (error) {
    throw new Error(`${error.message}\n${readFileSync(log, 'utf8').slice(-4000)}`)
  }
  const checked = made.filter(({ person }) => person)
  const lies = (await Promise.all(checked.map((order) => contradiction(seam, order)))).filter(Boolean)
  if (lies.length > 0) throw new Error(`not so in truth:\n  ${lies.join('\n  ')}`)
  await seam.stop()
  rmSync(folder, { recursive: true })
  console.log(`  ${run}: ${made.length} orders ended as they should, ${checked.length} of them checked in truth`)
}

await main()
// Whatever is still open here belongs to a process that has ended.
process.exit()
