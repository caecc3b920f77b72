import type { Clock } from '../../../core/clock.ts'
import { forEachBounded } from '../../bounded.ts'

/** Servers that are asked at a time for one request: whoever names thousands must not take all the connections that there are. */
const AT_ONCE = 100

/**
 * Asks servers for one request. Once its time is over no more are asked.
 *
 * @param servers server name → what it is asked for
 * @param calls.ask does not reject.
 * @param calls.leave is called for those that are not asked.
 */
export const askEach = async <T>(
  servers: ReadonlyMap<string, T>,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
  calls: {
    readonly ask: (server: string, what: T) => Promise<void>
    readonly leave: (server: string, what: T) => void
  },
): Promise<void> => {
  const until = clock.now() + timeoutMs
  await forEachBounded([...servers], AT_ONCE, async ([server, what]) => {
    if (clock.now() < until) await calls.ask(server, what)
    else calls.leave(server, what)
  })
}
