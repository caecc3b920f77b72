import type { Clock } from '../../../core/clock.ts'
import { MatrixError } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { type Attempt, answersInTurn } from './asked-in-turn.ts'
import { mostTelling, toClientError } from './client-errors.ts'

/** No more servers than this are asked for one request of a client. */
const MAX_CANDIDATES = 10
/** After so long (milliseconds) no further server is begun with. */
const TOTAL_MS = 90_000
/** A server that prepares an event does not need longer. */
const PREPARE_MS = 20_000

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
  const turns = { clock, totalMs: TOTAL_MS, eachMs: PREPARE_MS }
  const candidates = [...new Set(servers)].slice(0, MAX_CANDIDATES)
  const errors: unknown[] = []
  for await (const next of answersInTurn(candidates, turns, prepare)) {
    const { server } = next
    try {
      if ('failure' in next) throw next.failure
      return await finish(server, next.answer)
    } catch (cause) {
      const error = toClientError(cause)
      if (!(error instanceof MatrixError)) throw error
      if (error.errcode === 'M_INCOMPATIBLE_ROOM_VERSION') throw error
      log.info({ server, err: cause }, `${purpose}: this server could not help`)
      errors.push(error)
    }
  }
  throw mostTelling(errors) ?? new MatrixError('M_NOT_FOUND', 'No server is known that is in this room')
}
