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

/** How long one candidate's preparation may take. */
export interface Attempt {
  readonly server: string
  /** Milliseconds. */
  readonly timeoutMs: number
}

/**
 * Asks servers one after another until one helps, within a total time. A server's refusal does not end it: another may
 * know more or like us better. Only that we do not know the room's version is the same everywhere.
 *
 * Throws the most telling of the errors, as the client's: `M_NOT_FOUND` if there was nobody to ask.
 */
export const firstToHelp = async <T>(
  servers: readonly string[],
  { clock, log, purpose }: { clock: Clock; log: Log; purpose: string },
  attempt: (one: Attempt) => Promise<T>,
): Promise<T> => {
  const deadline = clock.now() + TOTAL_MS
  const errors: unknown[] = []
  for (const server of [...new Set(servers)].slice(0, MAX_CANDIDATES)) {
    const left = deadline - clock.now()
    if (left <= 0) break
    try {
      return await attempt({ server, timeoutMs: Math.min(PREPARE_MS, left) })
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
