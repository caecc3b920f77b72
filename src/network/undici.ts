import { createRequire } from 'node:module'
import type { Pool } from 'undici'

const require = createRequire(import.meta.url)

/** The connections of undici, loaded when first needed: it is the largest module of a start that asks nobody. */
export const loadPool = (): typeof Pool => (require('undici') as typeof import('undici')).Pool
