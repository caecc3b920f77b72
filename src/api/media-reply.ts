/** What the media endpoints have in common. */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { type RequestFacts, reply } from '../http/endpoint.ts'
import { isUnchanged, rangeOf } from '../http/range.ts'
import type { Reply } from '../http/reply.ts'
import type { MediaFile, Wanted } from '../services/media/downloads.ts'
import type { ThumbnailRequest } from '../services/media/thumbnails.ts'

/**
 * The policy that the specification recommends: nothing in a file may run, or load anything. But for films and sounds (`media-src`), as other
 * servers have it: a browser that opens one by itself makes a page for it, to which this holds, too. A link in a file tells nobody where
 * it was found, and search engines are to leave alone what people send each other.
 */
export const SAFE_CONTENT = {
  'Content-Security-Policy':
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; media-src 'self'; object-src 'self';",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Robots-Tag': 'noindex, nofollow, noarchive, noimageindex',
  'X-Content-Type-Options': 'nosniff',
} as const

/** The content of a file never changes, but it may be deleted or quarantined. */
const CACHE_SECONDS = 86_400

/**
 * Sends a file: all of it, the part that was asked for, or that the client has it already.
 *
 * @param options.isPublic whether it was asked for without an access token, so that proxies may keep it.
 */
export const mediaReply = async (
  file: MediaFile,
  { headers, method }: Pick<RequestFacts, 'headers' | 'method'>,
  options: { readonly isPublic?: boolean } = {},
): Promise<Reply> => {
  const { size, contentType, disposition, etag } = file
  const common = {
    ...SAFE_CONTENT,
    'Cache-Control': `${options.isPublic ? 'public' : 'private'}, max-age=${CACHE_SECONDS}, immutable`,
    'Content-Disposition': disposition,
    'Accept-Ranges': 'bytes',
    ETag: etag,
  }
  if (isUnchanged(headers, etag)) return reply({ status: 304, headers: common, body: '', contentType })
  const range = method === 'HEAD' ? undefined : rangeOf(headers, size, etag)
  if (range === 'unsatisfiable') {
    return reply({
      status: 416,
      headers: { 'Content-Range': `bytes */${size}` },
      json: { errcode: 'M_INVALID_PARAM', error: 'The file has no such part' },
    })
  }
  const partial = range && {
    'Content-Range': `bytes ${range.start}-${range.end}/${size}`,
    'Content-Length': String(range.end - range.start + 1),
  }
  return reply({
    status: range ? 206 : 200,
    headers: { 'Content-Length': String(size), ...common, ...partial },
    // An empty file has no part that could be read.
    body: size === 0 ? Readable.from([]) : await file.open(range),
    contentType,
  })
}

/** Which file a request means. */
export const wantedOf = (
  path: { readonly serverName: string; readonly mediaId: string },
  query: { readonly timeout_ms?: number; readonly allow_remote?: boolean },
  { signal }: Pick<RequestFacts, 'signal'>,
): Wanted => ({
  origin: path.serverName,
  mediaId: path.mediaId,
  timeoutMs: query.timeout_ms,
  allowRemote: query.allow_remote,
  signal,
})

/** What a request wants a thumbnail to be. */
export const thumbnailOf = (query: ThumbnailRequest): ThumbnailRequest => ({
  width: query.width,
  height: query.height,
  method: query.method,
  animated: query.animated,
})

/** Sends a file to another server: "exactly two parts", no metadata and the bytes. */
export const multipartReply = async (file: MediaFile): Promise<Reply> => {
  const boundary = randomUUID()
  const start = Buffer.from(
    `--${boundary}\r\nContent-Type: application/json\r\n\r\n{}\r\n--${boundary}\r\n` +
      `Content-Type: ${file.contentType}\r\nContent-Disposition: ${file.disposition}\r\n\r\n`,
  )
  const end = Buffer.from(`\r\n--${boundary}--\r\n`)
  const content = file.size === 0 ? Readable.from([]) : await file.open()
  const body = Readable.from(enclosed(start, content, end), { objectMode: false })
  // Also where nothing of it was read, since the other server has gone by then, or asked for the headers alone.
  body.once('close', () => content.destroy())
  return reply({
    body,
    contentType: `multipart/mixed; boundary=${boundary}`,
    headers: { 'Content-Length': String(start.length + file.size + end.length) },
  })
}

async function* enclosed(start: Buffer, content: Readable, end: Buffer): AsyncGenerator<Uint8Array> {
  yield start
  yield* content
  yield end
}
