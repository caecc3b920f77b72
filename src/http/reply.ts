import type { Readable } from 'node:stream'

export interface ReplyOptions {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Serialised as JSON. */
  readonly json?: unknown
  /** Sent as it is: text (for instance JSON that was spliced together), bytes, or a stream. */
  readonly body?: string | Uint8Array | Readable | AsyncIterable<string | Uint8Array>
  /** Of `body`; default `application/json`. */
  readonly contentType?: string
}

/** A response in full, where a plain object with status 200 does not say enough. Made by `reply`. */
export class Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Exclude<ReplyOptions['body'], undefined>
  readonly contentType: string

  constructor(options: ReplyOptions) {
    this.status = options.status ?? 200
    this.headers = options.headers ?? {}
    this.body = options.body ?? JSON.stringify(options.json ?? {})
    this.contentType = options.contentType ?? 'application/json'
  }
}

/**
 * A response with another status, with headers, or with a body that is not a plain object:
 * `reply({ status: 307, headers: { Location } })`, `reply({ body: splicedJson })`,
 * `reply({ body: stream, contentType: 'image/png' })`.
 */
export const reply = (options: ReplyOptions): Reply => new Reply(options)
