/** What the endpoints have in common on which two devices meet; most of it is of MSC4108's form of 2024, texts with ETags. */
import { MatrixError } from '../core/errors.ts'
import { ETAG_CORS_HEADERS } from '../http/cors.ts'
import type { RequestFacts } from '../http/endpoint.ts'
import {
  type CurrentRendezvous,
  MAX_RENDEZVOUS_BYTES,
  type Rendezvous,
} from '../services/accounts/rendezvous.ts'

/**
 * "the server SHOULD inspect the `Sec-Fetch-*` headers to identify top-level navigation requests": the text is of strangers, and no page.
 * @throws {MatrixError} `M_FORBIDDEN`
 */
export const refuseNavigation = ({ headers }: Pick<RequestFacts, 'headers'>): void => {
  if (headers['sec-fetch-mode'] === 'navigate' || headers['sec-fetch-dest'] === 'document') {
    throw new MatrixError('M_FORBIDDEN', 'This is not for looking at')
  }
}

/**
 * The form of 2024 begins without an access token, and therefore is there only where anybody may.
 * @throws {MatrixError} `M_UNRECOGNIZED`
 */
export const openRendezvous = (rendezvous: Rendezvous): Rendezvous => {
  if (rendezvous.isOpen) return rendezvous
  throw new MatrixError('M_UNRECOGNIZED', 'Only users may begin a rendezvous here')
}

/**
 * A text that comes as a body.
 * @throws {MatrixError} `M_TOO_LARGE`
 */
export const textOf = async (body: AsyncIterable<Uint8Array>): Promise<string> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_RENDEZVOUS_BYTES) {
      throw new MatrixError('M_TOO_LARGE', `A text may have ${MAX_RENDEZVOUS_BYTES} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** The sequence token as an entity tag. */
export const etagOf = ({ sequenceToken }: Pick<CurrentRendezvous, 'sequenceToken'>): string =>
  `"${sequenceToken}"`

/** The headers that tell where a session stands. */
export const sessionHeaders = (session: CurrentRendezvous): Record<string, string> => ({
  ...ETAG_CORS_HEADERS,
  ETag: etagOf(session),
  Expires: new Date(session.expiresTs).toUTCString(),
  // matrix-rust-sdk takes no answer without it.
  'Last-Modified': new Date(session.writtenTs).toUTCString(),
})
