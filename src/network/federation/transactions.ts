import { canonicalJson } from '../../core/canonical-json.ts'
import { isJsonObject, type JsonValue } from '../../core/json.ts'
import { type CallOptions, pathOf, type Requester } from './requester.ts'
import { objectsByKey } from './shape.ts'

export interface Transaction {
  readonly origin: string
  /** Milliseconds since 1970. */
  readonly originServerTs: number
  /** At most 50; each as canonical JSON. */
  readonly pdus: readonly string[]
  /** At most 100; each as canonical JSON. */
  readonly edus: readonly string[]
}

const MAX_REPORTED = 50
const MAX_ERROR_LENGTH = 1_000

/** The canonical JSON of a transaction. It depends on no destination, and is made once for those that get the same. */
export const transactionBody = ({ origin, originServerTs, pdus, edus }: Transaction): string =>
  `{${edus.length === 0 ? '' : `"edus":[${edus.join(',')}],`}"origin":${canonicalJson(origin)},` +
  `"origin_server_ts":${originServerTs},"pdus":[${pdus.join(',')}]}`

/** However odd it is, the response of a homeserver says that the transaction has arrived; what is wrong with it matters less. */
const parseErrors = (response: JsonValue): Map<string, string> => {
  if (!isJsonObject(response) || !isJsonObject(response['pdus'])) return new Map()
  const failed = objectsByKey(response, 'pdus')
    .filter(([, result]) => typeof result['error'] === 'string')
    .slice(0, MAX_REPORTED)
  return new Map(
    failed.map(([eventId, result]) => [eventId, String(result['error']).slice(0, MAX_ERROR_LENGTH)]),
  )
}

/** Server-server API, "Transactions". */
export const transactionEndpoints = ({ request }: Requester) => ({
  /**
   * Sends a transaction; answers what the destination refused: event ID → its words. Any JSON in a response of
   * success means that it has been received and must not be sent again; what is no JSON, such as the page of a proxy that has no
   * homeserver behind it for now, is `malformed`.
   *
   * @param transaction.body of `transactionBody`
   */
  sendTransaction: (
    destination: string,
    { txnId, body }: { txnId: string; body: string },
    options: CallOptions = {},
  ): Promise<ReadonlyMap<string, string>> =>
    request({
      timeoutMs: 60_000,
      ...options,
      destination,
      method: 'PUT',
      path: pathOf`/_matrix/federation/v1/send/${txnId}`,
      canonicalBody: body,
      parse: parseErrors,
    }),
})
