import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { buildConnector, Pool } from 'undici'

const require = createRequire(import.meta.url)

/** The connections of undici, loaded when first needed: it is the largest module of a start that asks nobody. */
export const loadPool = (): typeof Pool => (require('undici') as typeof import('undici')).Pool

/** Connections that we open, in the form in which undici asks for them. */
export const connectBy =
  (connect: () => Promise<Socket>): buildConnector.connector =>
  (_options, callback) => {
    connect().then(
      socket => callback(null, socket),
      error => callback(error, null),
    )
  }
