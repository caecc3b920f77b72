import { randomBytes } from 'node:crypto'

/** Makes short IDs, unique over restarts and processes: a random prefix and a counter. */
export const createRequestIds = (prefix: string = randomBytes(4).toString('hex')): (() => string) => {
  let count = 0
  return () => `${prefix}-${(++count).toString(36)}`
}
