import { createReadStream } from 'node:fs'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { Dispatcher, Pool } from 'undici'
import type { Clock } from '../core/clock.ts'
import { NotServing } from '../core/errors.ts'
import { EMPTY_BODY, type S3Credentials, signedHeaders } from './s3-signature.ts'
import { connectBy, loadPool } from './undici.ts'

export interface S3Options extends S3Credentials {
  /** Of the store, such as `https://s3.example.org`. */
  readonly endpoint: string
  readonly bucket: string
  readonly clock: Clock
  /** Opens a connection to the store; as undici does, if not given. */
  readonly connect?: (() => Promise<Socket>) | undefined
}

/** The store answered with an error, or not as a store does. */
export class S3Error extends Error {
  override readonly name = 'S3Error'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** How long a request may take until its answer begins, and then between its pieces. Milliseconds. */
const TIMEOUT_MS = 60_000
const CONNECTIONS = 64
/** For files that go out: each takes as long as whoever wants it reads, and none may keep others from storing theirs. */
const READING = 1_024
/** What an answer says that passes. */
const PASSING: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])
/** What of an error's text goes to the log. */
const MAX_ERROR = 500

/**
 * As much of the S3 API as keeping files takes, for any store that speaks it: paths lead to buckets, requests are signed
 * (version 4). Keys consist of characters that need no escaping.
 */
export class S3Client {
  readonly #options: S3Options
  readonly #url: URL
  readonly #pool: Pool
  readonly #reading: Pool

  constructor(options: S3Options) {
    this.#options = options
    this.#url = new URL(options.endpoint)
    const { connect } = options
    const Connections = loadPool()
    const pool = (connections: number): Pool =>
      new Connections(this.#url.origin, {
        connections,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
        ...(connect && { connect: connectBy(connect) }),
      })
    this.#pool = pool(CONNECTIONS)
    this.#reading = pool(READING)
  }

  /** Stores a file of this machine under a key, in place of what was there. */
  async putFile(
    key: string,
    file: { readonly path: string; readonly hash: string; readonly size: number },
    metadata: Readonly<Record<string, string>>,
  ): Promise<void> {
    const headers = { 'content-length': String(file.size), ...prefixed(metadata) }
    const body = file.size === 0 ? null : createReadStream(file.path)
    const response = await this.#ask('PUT', key, { headers, body, bodyHash: file.hash })
    await expect(response, [200])
  }

  /** Replaces the metadata of what is there; answers whether there is something. */
  async setMetadata(key: string, metadata: Readonly<Record<string, string>>): Promise<boolean> {
    const headers = {
      'x-amz-copy-source': `/${this.#options.bucket}/${key}`,
      'x-amz-metadata-directive': 'REPLACE',
      ...prefixed(metadata),
    }
    const response = await this.#ask('PUT', key, { headers })
    return (await expect(response, [200, 404])) === 200
  }

  /** The size and metadata of what is there, by lower-case name. */
  async head(
    key: string,
  ): Promise<{ readonly size: number; readonly metadata: Readonly<Record<string, string>> } | undefined> {
    const response = await this.#ask('HEAD', key)
    if ((await expect(response, [200, 404])) === 404) return undefined
    const entries = Object.entries(response.headers).flatMap(([name, value]) =>
      name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), String(value)] as const] : [],
    )
    return { size: Number(response.headers['content-length'] ?? 0), metadata: Object.fromEntries(entries) }
  }

  /** The bytes of what is there, or a part of them (both ends included). */
  async get(
    key: string,
    range?: { readonly start: number; readonly end: number },
  ): Promise<Readable | undefined> {
    const headers = range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` }
    const response = await this.#ask('GET', key, { headers })
    if (response.statusCode === 200 || response.statusCode === 206) return response.body
    await expect(response, [404])
    return undefined
  }

  /** Removes what is there; nothing is no error. */
  async delete(key: string): Promise<void> {
    await expect(await this.#ask('DELETE', key), [200, 204, 404])
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#reading.close()])
  }

  /** @throws {NotServing} where the store does not answer */
  async #ask(
    method: 'GET' | 'HEAD' | 'PUT' | 'DELETE',
    key: string,
    parts: { headers?: Record<string, string>; body?: Readable | null; bodyHash?: string } = {},
  ): Promise<Dispatcher.ResponseData> {
    const { bucket, clock } = this.#options
    const path = `${this.#url.pathname.replace(/\/$/, '')}/${bucket}/${key}`
    const request = {
      method,
      path,
      host: this.#url.host,
      headers: parts.headers ?? {},
      bodyHash: parts.bodyHash ?? EMPTY_BODY,
    }
    const headers = signedHeaders(request, this.#options, clock.now())
    const pool = method === 'GET' ? this.#reading : this.#pool
    try {
      return await pool.request({ method, path, headers, body: parts.body ?? null })
    } catch (error) {
      throw new NotServing('the S3 store does not answer', { cause: error })
    }
  }
}

const PREFIX = 'x-amz-meta-'

const prefixed = (metadata: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`${PREFIX}${name}`, value]))

/** The status, if it is one of these. @throws {S3Error}; {NotServing} for what passes */
const expect = async (response: Dispatcher.ResponseData, statuses: readonly number[]): Promise<number> => {
  const { statusCode: status, body } = response
  if (statuses.includes(status)) {
    await body.dump()
    return status
  }
  const text = (await body.text()).slice(0, MAX_ERROR)
  const message = `the S3 store answers ${status}: ${text}`
  throw PASSING.has(status) ? new NotServing(message) : new S3Error(status, message)
}
