import type { Clock } from '../../../core/clock.ts'

/** After so long (milliseconds) the next server is asked beside it: of those that are named in rooms and links, many are gone. */
const BESIDE_AFTER_MS = 4_000

/** How long one server may take to answer. */
export interface Attempt {
  readonly server: string
  /** Milliseconds. */
  readonly timeoutMs: number
  /** Aborted once nobody wants its answer any more. */
  readonly signal: AbortSignal
}

/** What came of asking a server. */
export type Answer<T> = { readonly server: string } & ({ readonly answer: T } | { readonly failure: unknown })

/** In milliseconds, for all servers together, and for one of them: after `totalMs` no further one is begun with. */
export interface Turns {
  readonly clock: Clock
  readonly totalMs: number
  readonly eachMs: number
  /** So many are asked at a time, if not any number. */
  readonly atOnce?: number
}

/**
 * Asks servers one after another, and beside one that does not answer soon the next: whoever waits is not to wait for those that
 * are gone. Gives what comes of it as it comes. Who has heard enough ends the loop, and the others are given up.
 */
export async function* answersInTurn<T>(
  servers: readonly string[],
  { clock, totalMs, eachMs, atOnce = Number.POSITIVE_INFINITY }: Turns,
  ask: (one: Attempt) => Promise<T>,
): AsyncGenerator<Answer<T>, void, void> {
  const deadline = clock.now() + totalMs
  const waiting = [...new Set(servers)]
  const asked = new Map<string, Promise<Answer<T>>>()
  const over = new AbortController()
  const begin = (): void => {
    const left = deadline - clock.now()
    const server = left > 0 && asked.size < atOnce ? waiting.shift() : undefined
    if (server === undefined) return
    const one = { server, timeoutMs: Math.min(eachMs, left), signal: over.signal }
    asked.set(server, outcomeOf(server, ask(one)))
  }
  begin()
  try {
    while (asked.size > 0) {
      const isAnyLeft = waiting.length > 0 && asked.size < atOnce
      const next = await (isAnyLeft
        ? within(BESIDE_AFTER_MS, clock, asked.values())
        : Promise.race(asked.values()))
      if (next !== undefined) {
        asked.delete(next.server)
        yield next
      }
      begin()
    }
  } finally {
    over.abort()
  }
}

const outcomeOf = <T>(server: string, asking: Promise<T>): Promise<Answer<T>> =>
  asking.then(
    answer => ({ server, answer }),
    failure => ({ server, failure }),
  )

/** The first of some promises, if it comes in time. */
const within = async <T>(ms: number, clock: Clock, some: Iterable<Promise<T>>): Promise<T | undefined> => {
  const first = new AbortController()
  const timeOut = clock.sleep(ms, first.signal).then(
    () => undefined,
    () => undefined,
  )
  try {
    return await Promise.race([...some, timeOut])
  } finally {
    first.abort()
  }
}
