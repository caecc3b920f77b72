import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the range from which systems take ports by themselves: one of those might be taken by any outgoing connection before it is
 * listened on, or while a server that is to come back under it is away.
 */
const [FIRST, END] = [12_000, 32_000]

/** @returns a TCP port that nobody listened on a moment ago, and that the system gives to nobody by itself */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END)
    if (await isFree(port)) return port
  }
}

const isFree = (port: number): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const probe = createServer()
    .once('error', () => resolve(false))
    .listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  return promise
}
