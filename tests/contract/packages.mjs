// Loads packages from where `run` installed them: nothing is installed beside these files.
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const HERE = path.dirname(fileURLToPath(import.meta.url))
export const TARGET = process.env.CONTRACT_TARGET ?? path.join(HERE, '../../target/contract')

const { resolve } = createRequire(path.join(TARGET, 'node', 'from-here.js'))

export const load = (name) => import(resolve(name))
