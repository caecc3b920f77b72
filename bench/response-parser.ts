/** One HTTP response as the load generator sees it. Times are `performance.now()` milliseconds. */
export interface RawResponse {
  status: number
  body: Buffer
  /** When the first byte came in. */
  firstByteAt: number
  /** When the last byte came in. */
  lastByteAt: number
  /** Whether the server will close the connection after this response. */
  close: boolean
}

interface Head {
  status: number
  chunked: boolean
  close: boolean
  /** undefined: the body ends where the connection ends. */
  length: number | undefined
}

const headEnd = Buffer.from('\r\n\r\n')
const lineEnd = Buffer.from('\r\n')

/**
 * An HTTP/1.1 response parser (RFC 9112) for one request in flight, only as complete as answers to our own
 * requests demand. It exists because Node's HTTP clients cost as much CPU as the servers that we measure.
 */
export class ResponseParser {
  private pending: Buffer = Buffer.alloc(0)
  private head: Head | undefined
  private parts: Buffer[] = []
  /** Bytes that are still missing from the body or from the current chunk. */
  private missing = 0
  private state: 'head' | 'fixed' | 'until-end' | 'chunk-size' | 'chunk' | 'trailer' = 'head'
  private firstByteAt: number | undefined

  /** Whether any byte of the response has arrived. */
  get started(): boolean {
    return this.firstByteAt !== undefined
  }

  /**
   * Takes the next bytes from the socket.
   * @returns the response once it is complete
   * @throws Error for what is not HTTP/1.1
   */
  push(bytes: Buffer): RawResponse | undefined {
    this.firstByteAt ??= performance.now()
    this.pending = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes])
    for (;;) {
      const done = this.step()
      if (done === 'complete') return this.finish()
      if (done === 'starved') return undefined
    }
  }

  /** The connection ended: completes a body without declared length. */
  end(): RawResponse | undefined {
    return this.state === 'until-end' ? this.finish() : undefined
  }

  private step(): 'complete' | 'starved' | 'again' {
    switch (this.state) {
      case 'head':
        return this.readHead()
      case 'fixed':
        return this.takeBody() ? 'complete' : 'starved'
      case 'until-end':
        this.parts.push(this.pending)
        this.pending = Buffer.alloc(0)
        return 'starved'
      case 'chunk-size':
        return this.readChunkSize()
      case 'chunk':
        if (!this.takeBody()) return 'starved'
        this.state = 'chunk-size'
        return 'again'
      case 'trailer':
        return this.readTrailer()
    }
  }

  private readHead(): 'complete' | 'starved' | 'again' {
    const at = this.pending.indexOf(headEnd)
    if (at < 0) return 'starved'
    this.head = parseHead(this.pending.toString('latin1', 0, at))
    this.pending = this.pending.subarray(at + 4)
    if (this.head.status < 200) return 'again'
    if (this.head.status === 204 || this.head.status === 304) return 'complete'
    if (this.head.chunked) this.state = 'chunk-size'
    else if (this.head.length === undefined) this.state = 'until-end'
    else {
      this.state = 'fixed'
      this.missing = this.head.length
    }
    return 'again'
  }

  /** @returns whether the body, or the chunk, is complete */
  private takeBody(): boolean {
    const part = this.pending.subarray(0, this.missing)
    if (part.length > 0) this.parts.push(part)
    this.pending = this.pending.subarray(part.length)
    this.missing -= part.length
    return this.missing === 0
  }

  private readChunkSize(): 'starved' | 'again' {
    // The line end of the chunk before comes first; it is an empty line here.
    const from = this.pending[0] === 13 ? 2 : 0
    const at = this.pending.indexOf(lineEnd, from)
    if (at < 0) return 'starved'
    const size = Number.parseInt(this.pending.toString('latin1', from, at), 16)
    if (!Number.isFinite(size)) throw new Error('malformed chunk size')
    this.pending = this.pending.subarray(at + 2)
    this.missing = size
    this.state = size === 0 ? 'trailer' : 'chunk'
    return 'again'
  }

  private readTrailer(): 'complete' | 'starved' | 'again' {
    const at = this.pending.indexOf(lineEnd)
    if (at < 0) return 'starved'
    this.pending = this.pending.subarray(at + 2)
    return at === 0 ? 'complete' : 'again'
  }

  private finish(): RawResponse {
    const lastByteAt = performance.now()
    const [only] = this.parts
    const response: RawResponse = {
      status: this.head?.status ?? 0,
      body: this.parts.length === 1 && only !== undefined ? only : Buffer.concat(this.parts),
      firstByteAt: this.firstByteAt ?? lastByteAt,
      lastByteAt,
      close: (this.head?.close ?? true) || this.state === 'until-end',
    }
    this.parts = []
    this.head = undefined
    this.firstByteAt = undefined
    this.state = 'head'
    return response
  }
}

function parseHead(text: string): Head {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]
  if (status === undefined) throw new Error('not an HTTP/1.1 response')
  const length = /\r\ncontent-length:\s*(\d+)/i.exec(text)?.[1]
  return {
    status: Number(status),
    chunked: /\r\ntransfer-encoding:[^\r]*chunked/i.test(text),
    close: /\r\nconnection:[^\r]*close/i.test(text) || text.startsWith('HTTP/1.0'),
    length: length === undefined ? undefined : Number(length),
  }
}
