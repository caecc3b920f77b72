import { type Attempt, answersInTurn } from '../asked-in-turn.ts'
import type { OutboundContext } from '../context.ts'
import { type FullState, type StatePlace, storeFullState } from './full-state.ts'

/** Whoever joins waits for it: for so long (milliseconds), and for no more events than that. */
const TIMEOUT_MS = 10_000
const MAX_MISSING = 1_000
const MAX_SERVERS = 3

/**
 * The event IDs of a state, stored, if one of a few servers gives all of it at once and little of it is missing here; else
 * `undefined`. Beside a server that does not answer soon the next is asked. Never throws for what other servers do.
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
  const options = {
    onProgress: () => undefined,
    onMissing: (events: number) => events > MAX_MISSING && tooLong.abort(),
  }
  const ask = ({ server, signal }: Attempt): Promise<FullState> =>
    storeFullState(context, server, place, {
      ...options,
      signal: AbortSignal.any([tooLong.signal, signal]),
    })
  const turns = { clock, totalMs: TIMEOUT_MS, eachMs: TIMEOUT_MS }
  try {
    for await (const given of answersInTurn(servers.slice(0, MAX_SERVERS), turns, ask)) {
      const { server } = given
      if ('answer' in given && given.answer.unverified.size === 0) return given.answer.stateIds
      if (tooLong.signal.aborted) return undefined
      if ('failure' in given)
        log.info(
          { room: place.roomId, server, err: given.failure },
          'the state of an earlier stay is not given',
        )
    }
    return undefined
  } finally {
    over.abort()
  }
}
