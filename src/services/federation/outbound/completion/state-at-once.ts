import type { OutboundContext } from '../context.ts'
import { type StatePlace, storeFullState } from './full-state.ts'

/** Whoever joins waits for it: for so long (milliseconds), and for no more events than that. */
const TIMEOUT_MS = 10_000
const MAX_MISSING = 1_000
const MAX_SERVERS = 3

/**
 * The event IDs of a state, stored, if one of a few servers gives all of it at once and little of it is missing here; else
 * `undefined`. Never throws for what other servers do.
 */
export const stateAtOnce = async (
  context: OutboundContext,
  place: StatePlace,
  servers: readonly string[],
): Promise<readonly string[] | undefined> => {
  const { clock, log } = context
  const tooLong = new AbortController()
  const over = new AbortController()
  clock.sleep(TIMEOUT_MS, over.signal).then(
    () => tooLong.abort(),
    () => undefined,
  )
  const { signal } = tooLong
  const options = {
    signal,
    onProgress: () => undefined,
    onMissing: (events: number) => events > MAX_MISSING && tooLong.abort(),
  }
  try {
    for (const server of servers.slice(0, MAX_SERVERS)) {
      if (signal.aborted) return undefined
      try {
        const { stateIds, unverified } = await storeFullState(context, server, place, options)
        if (unverified.size === 0) return stateIds
      } catch (error) {
        log.info({ room: place.roomId, server, err: error }, 'the state of an earlier stay is not given')
      }
    }
    return undefined
  } finally {
    over.abort()
  }
}
