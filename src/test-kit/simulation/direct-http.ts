import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { Readable, Writable } from 'node:stream'
import type { HttpApp } from '../../http/app.ts'

export interface DirectRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface DirectResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
}

/** Asks an app in its own process, without any connection. Rejects where a connection would break. */
export const askDirectly = (
  { handler }: Pick<HttpApp, 'handler'>,
  { method, target, headers = {}, body = '' }: DirectRequest,
): Promise<DirectResponse> =>
  new Promise((resolve, reject) => {
    const incoming = new Question(method, target, headers, body)
    const outgoing = new Answer()
    outgoing.once('error', reject)
    outgoing.once('close', () => {
      const { statusCode: status, headers: answered, chunks, writableFinished } = outgoing
      if (writableFinished) resolve({ status, headers: answered, bytes: Buffer.concat(chunks) })
      else reject(new Error('the connection ended'))
    })
    handler(incoming as unknown as IncomingMessage, outgoing as unknown as ServerResponse)
  })

/** What the pipeline uses of an `IncomingMessage`. */
class Question extends Readable {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly headersDistinct: Readonly<Record<string, string[]>>
  readonly socket = { remoteAddress: '127.0.0.1' }
  complete = false
  readonly #body: string

  constructor(method: string, url: string, headers: Readonly<Record<string, string>>, body: string) {
    super()
    this.method = method
    this.url = url
    this.headers = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    )
    if (body !== '') this.headers['content-length'] = String(Buffer.byteLength(body))
    this.headersDistinct = Object.fromEntries(
      Object.entries(this.headers).map(([name, value]) => [name, [String(value)]]),
    )
    this.#body = body
  }

  override _read(): void {
    this.complete = true
    if (this.#body !== '') this.push(this.#body)
    this.push(null)
  }
}

/** What the pipeline uses of a `ServerResponse`. */
class Answer extends Writable {
  statusCode = 200
  headersSent = false
  readonly headers: Record<string, string> = {}
  readonly chunks: Buffer[] = []

  setHeader(name: string, value: string | number): this {
    this.headers[name.toLowerCase()] = String(value)
    return this
  }

  writeHead(status: number, headers: Readonly<Record<string, string | number>> = {}): this {
    this.statusCode = status
    this.headersSent = true
    for (const [name, value] of Object.entries(headers)) this.setHeader(name, value)
    return this
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk)
    done()
  }
}
