import { MatrixError } from '../core/errors.ts'
import type { Requester } from '../services/requester.ts'

/**
 * The time that an application service gives an event (application-service API, "Timestamp massaging"); others cannot.
 * @throws {MatrixError} `M_INVALID_PARAM`: no `origin_server_ts` could be this
 */
export const massagedTs = ({ appServiceId }: Requester, ts: number | undefined): number | undefined => {
  if (appServiceId === undefined || ts === undefined) return undefined
  if (ts < 0 || !Number.isSafeInteger(ts)) {
    throw new MatrixError('M_INVALID_PARAM', 'ts is a time in milliseconds since 1970.')
  }
  return ts
}
