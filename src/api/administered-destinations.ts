import { MatrixError } from '../core/errors.ts'
import type { Services } from '../services/index.ts'
import type { Operations } from '../spec/types.ts'

type Administration = Services['administration']
type KnownDestination = NonNullable<Awaited<ReturnType<Administration['destinations']['one']>>>

/** A server to which something was sent. @throws {MatrixError} `M_NOT_FOUND` */
export const destinationNamed = async (
  server: string,
  { destinations }: Administration,
): Promise<KnownDestination> => {
  const known = await destinations.one(server)
  if (known === undefined) throw new MatrixError('M_NOT_FOUND', 'Nothing was ever sent to this server')
  return known
}

/** The same as it is answered. */
export const destinationInfo = ({
  server,
  acknowledged,
  failing,
}: KnownDestination): Operations['adminGetDestination']['response'] => ({
  destination: server,
  retry_last_ts: failing?.last ?? 0,
  retry_interval: failing === undefined ? 0 : Math.max(0, failing.next - failing.last),
  failure_ts: failing?.since ?? null,
  last_successful_stream_ordering: acknowledged === 0 ? null : acknowledged,
})
