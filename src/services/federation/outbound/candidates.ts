import type { Clock } from '../../../core/clock.ts'
import { MatrixError } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { mostTelling, toClientError } from './client-errors.ts'

/** No more servers than this are asked for one request of a client. */
const MAX_CANDIDATES = 10
/** After so long (milliseconds) no further server is begun with. */
const TOTAL_MS = 90_000
/** A server that prepares an event does not need longer. */
const PREPARE_MS = 20_000
/** After so long the next server is asked beside it: of those that are named in invitations and links, many are gone. */
const BESIDE_AFTER_MS = 4_000

/** How long one candidate's preparation may take. */
export interface Attempt {
  readonly server: string
  /** Milliseconds. */
  readonly timeoutMs: number
  /** Aborted once another has helped. */
  readonly signal: AbortSignal
}

/** How a candidate helps. */
export interface Help<P, T> {
  /** It prepares an event, which changes nothing: several may be asked for that. */
  readonly prepare: (one: Attempt) => Promise<P>
  /** It takes the event that we have made of it. */
  readonly finish: (server: string, prepared: P) => Promise<T>
}

/**
 * Asks servers one after another until one helps, within a total time; beside one that does not answer soon the next. A server's
 * refusal does not end it: another may know more or like us better. Only that we do not know the room's version is the same everywhere.
 *
 * Throws the most telling of the errors, as the client's: `M_NOT_FOUND` if there was nobody to ask.
 */
export const firstToHelp = async <P, T>(
  servers: readonly string[],
  { clock, log, purpose }: { clock: Clock; log: Log; purpose: string },
  { prepare, finish }: Help<P, T>,
): Promise<T> => {
  const deadline = clock.now() + TOTAL_MS
  const waiting = [...new Set(servers)].slice(0, MAX_CANDIDATES)
  const preparing = new Map<string, Promise<Prepared<P>>>()
  const over = new AbortController()
  const begin = (): void => {
    const left = deadline - clock.now()
    const server = left > 0 ? waiting.shift() : undefined
    if (server === undefined) return
    const one = { server, timeoutMs: Math.min(PREPARE_MS, left), signal: over.signal }
    preparing.set(server, outcomeOf(server, prepare(one)))
  }
  const errors: unknown[] = []
  begin()
  try {
    while (preparing.size > 0) {
      const next = await (waiting.length > 0
        ? within(BESIDE_AFTER_MS, clock, preparing.values())
        : Promise.race(preparing.values()))
      if (next !== undefined) {
        const { server } = next
        preparing.delete(server)
        try {
          if ('failure' in next) throw next.failure
          return await finish(server, next.prepared)
        } catch (cause) {
          const error = toClientError(cause)
          if (!(error instanceof MatrixError)) throw error
          if (error.errcode === 'M_INCOMPATIBLE_ROOM_VERSION') throw error
          log.info({ server, err: cause }, `${purpose}: this server could not help`)
          errors.push(error)
        }
      }
      begin()
    }
  } finally {
    over.abort()
  }
  throw mostTelling(errors) ?? new MatrixError('M_NOT_FOUND', 'No server is known that is in this room')
}

type Prepared<P> = { readonly server: string } & ({ readonly prepared: P } | { readonly failure: unknown })

const outcomeOf = <P>(server: string, preparing: Promise<P>): Promise<Prepared<P>> =>
  preparing.then(
    prepared => ({ server, prepared }),
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
