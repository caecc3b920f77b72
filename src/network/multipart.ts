/** Reads `multipart/mixed` (RFC 2046, 5.1) as it comes, strictly: whoever sends it is a program, and not trusted. */

/** What comes is no multipart message, or not one in our limits. */
export class MultipartError extends Error {
  override readonly name = 'MultipartError'
}

export interface Part {
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  /** To be read to its end before the next part is asked for. */
  readonly body: AsyncIterable<Buffer>
}

/** What may stand before the first boundary, which readers ignore. Bytes. */
const MAX_PREAMBLE = 1_024
const MAX_HEADERS = 16_384

const CRLF = Buffer.from('\r\n')
const BLANK_LINE = Buffer.from('\r\n\r\n')

/** `bchars`, at most 70 of them, the last no space. */
const BOUNDARY = /^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/

/** The boundary that a `Content-Type` header of `multipart/mixed` names. @throws {MultipartError} */
export const boundaryOf = (contentType: string): string => {
  const [type = '', ...rest] = contentType.split(';')
  if (type.trim().toLowerCase() !== 'multipart/mixed') throw new MultipartError('not multipart/mixed')
  const parameters = rest.join(';')
  const [, quoted, token] =
    /(?:^|[;\s])boundary\s*=\s*(?:"([^"]*)"|([^\s";]+))/i.exec(parameters.slice(0, MAX_HEADERS)) ?? []
  const boundary = quoted ?? token ?? ''
  if (!BOUNDARY.test(boundary)) throw new MultipartError('no boundary')
  return boundary
}

/**
 * Gives the parts one after another. The end must be marked: a message that breaks off is an error, so that half a
 * file never counts as one.
 *
 * @throws {MultipartError} while iterating, over the parts as over their bodies; and what the source throws.
 */
export async function* readMultipart(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<Part> {
  const input = new Input(source)
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  try {
    // The first boundary may stand at the very beginning, where no line precedes it.
    input.unread(CRLF)
    let preamble = 0
    for await (const bytes of input.until(delimiter)) {
      preamble += bytes.length
      if (preamble > MAX_PREAMBLE) throw new MultipartError('no boundary where the message begins')
    }
    while (await startsPart(input)) {
      const headers = parseHeaders(await input.take(BLANK_LINE, MAX_HEADERS))
      const body = new Body(input, delimiter)
      yield { headers, body }
      // What was left unread has to pass before the next part.
      if (!body.isRead) for await (const _rest of input.until(delimiter));
    }
  } finally {
    await input.close()
  }
}

/** After a boundary: `--` ends the message, white space and a line break begin a part. */
const startsPart = async (input: Input): Promise<boolean> => {
  const next = await input.peek(2)
  if (next.toString('latin1') === '--') return false
  const padding = await input.take(CRLF, 128)
  if (!/^[\t ]*$/.test(padding.toString('latin1'))) throw new MultipartError('a boundary is followed by text')
  // A part without headers begins with the blank line itself.
  input.unread(CRLF)
  return true
}

const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*(.*?)[\t ]*$/s

const parseHeaders = (block: Buffer): Map<string, string> => {
  const headers = new Map<string, string>()
  for (const line of block.toString('utf8').split('\r\n')) {
    if (line === '') continue
    const [, name = '', value = ''] = HEADER.exec(line) ?? []
    if (name === '' || /[\0\r\n]/.test(value)) throw new MultipartError('a header that is none')
    const key = name.toLowerCase()
    if (headers.has(key)) throw new MultipartError('a header that comes twice')
    headers.set(key, value)
  }
  return headers
}

/** Of one part; can be read once. */
class Body implements AsyncIterable<Buffer> {
  readonly #input: Input
  readonly #delimiter: Buffer
  isRead = false

  constructor(input: Input, delimiter: Buffer) {
    this.#input = input
    this.#delimiter = delimiter
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    yield* this.#input.until(this.#delimiter)
    this.isRead = true
  }
}

/** Bytes that are searched while they come. */
class Input {
  readonly #source: AsyncIterator<Uint8Array>
  #buffer: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  unread(bytes: Buffer): void {
    this.#buffer = Buffer.concat([bytes, this.#buffer])
  }

  async close(): Promise<void> {
    await this.#source.return?.()
  }

  async peek(length: number): Promise<Buffer> {
    while (this.#buffer.length < length) await this.#more()
    return this.#buffer.subarray(0, length)
  }

  /** All up to a mark, which is read over. */
  async take(mark: Buffer, limit: number): Promise<Buffer> {
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of this.until(mark)) {
      length += chunk.length
      if (length > limit) throw new MultipartError('headers that do not end')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }

  /** The same, as it comes. */
  async *until(mark: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#buffer.indexOf(mark)
      const certain = at === -1 ? this.#buffer.length - mark.length + 1 : at
      if (certain > 0) {
        const chunk = this.#buffer.subarray(0, certain)
        this.#buffer = this.#buffer.subarray(certain)
        // The rest moves on before the chunk is handed out, so that whoever stops here leaves order behind.
        yield chunk
        continue
      }
      if (at === 0) {
        this.#buffer = this.#buffer.subarray(mark.length)
        return
      }
      await this.#more()
    }
  }

  async #more(): Promise<void> {
    const next = await this.#source.next()
    if (next.done) throw new MultipartError('the message breaks off')
    const bytes = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([this.#buffer, bytes])
  }
}
