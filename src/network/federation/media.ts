import { isJsonObject } from '../../core/json.ts'
import { JsonParseError, parseJson } from '../../core/parse-json.ts'
import type { HttpClient, IncomingResponse } from '../http-client.ts'
import { boundaryOf, MultipartError, type Part, readMultipart } from '../multipart.ts'
import { receiveFollowingRedirects } from '../redirects.ts'
import { FederationError } from './federation-error.ts'
import { type CallOptions, pathOf, type Requester } from './requester.ts'

/** Another server's file while it comes. */
export interface IncomingMedia {
  readonly contentType: string | undefined
  /** The header, as it was sent. */
  readonly contentDisposition: string | undefined
  readonly body: AsyncIterable<Uint8Array>
}

export interface MediaCallOptions extends CallOptions {
  /** How long the peer should wait for a file that is still to be uploaded. Milliseconds. */
  readonly waitMs: number
  /** The largest file that is read. Bytes. */
  readonly maxBytes: number
}

/** Boundaries and headers around the file. */
const WRAPPING_BYTES = 131_072
const MAX_METADATA = 65_536
const MAX_REDIRECTS = 5

/** Files. What is lent to `consume` is read while it comes, and all of it before the call succeeds. */
export const mediaEndpoints = (requester: Requester, http: Pick<HttpClient, 'receive'>) => ({
  /**
   * A file by `/_matrix/federation/v1/media/download`; from servers that do not know it, as it was before Matrix 1.11.
   *
   * @throws {FederationError}; and what `consume` throws.
   */
  downloadMedia: async <T>(
    destination: string,
    mediaId: string,
    options: MediaCallOptions,
    consume: (media: IncomingMedia) => Promise<T>,
  ): Promise<T> => {
    const { waitMs, maxBytes, ...call } = options
    const bounds = { ...call, maxBytes: maxBytes + WRAPPING_BYTES }
    const request = { destination, line: 'files', method: 'GET', ...bounds } as const
    try {
      return await requester.receive(
        {
          ...request,
          path: pathOf`/_matrix/federation/v1/media/download/${mediaId}`,
          query: { timeout_ms: waitMs },
        },
        response => readWrapped(http, destination, response, options, consume),
      )
    } catch (error) {
      if (!(error instanceof FederationError) || !isUnknownEndpoint(error)) throw error
      return await requester.receive(
        {
          ...request,
          signed: false,
          path: pathOf`/_matrix/media/v3/download/${destination}/${mediaId}`,
          query: { allow_remote: false, timeout_ms: waitMs },
        },
        response => consume(plain(response)),
      )
    }
  },
})

/** "404 M_UNRECOGNIZED"; older servers have 400, or a web page. */
const isUnknownEndpoint = ({ kind, status, errcode }: FederationError): boolean =>
  kind === 'response' &&
  (errcode === 'M_UNRECOGNIZED' || (errcode === undefined && (status === 404 || status === 405)))

const plain = ({ headers, body }: IncomingResponse): IncomingMedia => ({
  contentType: headers['content-type'],
  contentDisposition: headers['content-disposition'],
  body,
})

/** "exactly two parts": metadata as JSON, then the file or where it is. */
const readWrapped = async <T>(
  http: Pick<HttpClient, 'receive'>,
  destination: string,
  response: IncomingResponse,
  { maxBytes, timeoutMs, signal }: MediaCallOptions,
  consume: (media: IncomingMedia) => Promise<T>,
): Promise<T> => {
  try {
    const parts = readMultipart(response.body, boundaryOf(response.headers['content-type'] ?? ''))
    await checkMetadata(await next(parts))
    const file = await next(parts)
    const location = file.headers.get('location')
    if (location !== undefined) {
      return await receiveFollowingRedirects(
        http,
        location,
        {
          maxBytes,
          signal,
          maxRedirects: MAX_REDIRECTS,
          httpsOnly: true,
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
        },
        redirected => consumeRedirected(destination, redirected, consume),
      )
    }
    const result = await consume({
      contentType: file.headers.get('content-type'),
      contentDisposition: file.headers.get('content-disposition'),
      body: file.body,
    })
    if (!(await parts.next()).done) throw new MultipartError('a third part')
    return result
  } catch (error) {
    if (!(error instanceof MultipartError)) throw error
    throw new FederationError('malformed', destination, error.message, { cause: error })
  }
}

const consumeRedirected = async <T>(
  destination: string,
  response: IncomingResponse,
  consume: (media: IncomingMedia) => Promise<T>,
): Promise<T> => {
  if (response.status === 200) return await consume(plain(response))
  throw new FederationError('response', destination, `redirected to status ${response.status}`, {
    status: response.status,
  })
}

const next = async (parts: AsyncGenerator<Part>): Promise<Part> => {
  const { done, value } = await parts.next()
  if (done) throw new MultipartError('a part is missing')
  return value
}

/** "this will always be an empty object": later it may say more, but never anything else than an object. */
const checkMetadata = async ({ headers, body }: Part): Promise<void> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > MAX_METADATA) throw new MultipartError('the metadata does not end')
    chunks.push(chunk)
  }
  const type = (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/json') throw new MultipartError('the first part is no metadata')
  try {
    if (isJsonObject(parseJson(Buffer.concat(chunks).toString('utf8')))) return
  } catch (error) {
    if (!(error instanceof JsonParseError)) throw error
  }
  throw new MultipartError('the metadata is no JSON object')
}
