import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { buildConnector, Pool } from 'undici'

const require = createRequire(import.meta.url)

/**
 * The connections of undici, loaded when first needed, and without the rest of it: `fetch`, caches, mocks and proxies are 90 more
 * modules, which would hold the event loop for 50 ms in the middle of the first request, and take 6 MB.
 */
export const loadPool = (): typeof Pool => {
  const pool = require('undici/lib/dispatcher/pool.js') as typeof Pool
  // As its index does for all that dispatches.
  pool.prototype.request = require('undici/lib/api/api-request.js') as Pool['request']
  return pool
}

/** Connections that we open, in the form in which undici asks for them. */
export const connectBy =
  (connect: () => Promise<Socket>): buildConnector.connector =>
  (_options, callback) => {
    connect().then(
      socket => callback(null, socket),
      error => callback(error, null),
    )
  }
