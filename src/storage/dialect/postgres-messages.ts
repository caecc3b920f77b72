/** A value of a parameter as it travels: text, or bytes as they are. */
export type WireValue = string | Buffer | null

/** The types of messages, and what a portal or statement is told by: one letter each. */
const [PARSE, BIND, DESCRIBE, EXECUTE, CLOSE, SYNC, PORTAL, STATEMENT] = [...'PBDECSPS'].map(letter =>
  letter.charCodeAt(0),
) as [number, number, number, number, number, number, number, number]

const USUAL_BYTES = 64 * 1024
/** What was made larger than this for one flight is not kept. */
const MOST_KEPT_BYTES = 1024 * 1024
/** What a character of a string takes at most. */
const MOST_OF_CHARACTER = 3
/** Texts up to this length are cheaper to copy letter by letter than by a call. */
const SHORT = 24

/**
 * Messages of PostgreSQL's "extended query" protocol, one after the other in one piece of memory: the driver makes a buffer of each, and what
 * the socket takes for gathering hundreds of those costs as much as all that they say. Statements are bound to the unnamed portal,
 * and answer in text.
 */
export class PostgresMessages {
  #buffer = Buffer.allocUnsafe(USUAL_BYTES)
  #end = 0

  /** Begins anew: what could not be finished, and was never taken, must not go out with what follows. */
  begin(): void {
    this.#end = 0
  }

  /** Has a statement prepared; without a name it lasts until the next one without. */
  parse(name: string, text: string): void {
    const start = this.#begin(PARSE)
    this.#terminated(name)
    this.#terminated(text)
    this.#int16(0)
    this.#finish(start)
  }

  bind(statement: string, values: readonly WireValue[]): void {
    const start = this.#begin(BIND)
    this.#terminated('')
    this.#terminated(statement)
    const hasBytes = values.some(value => typeof value === 'object' && value !== null)
    this.#int16(hasBytes ? values.length : 0)
    if (hasBytes) for (const value of values) this.#int16(typeof value === 'object' && value !== null ? 1 : 0)
    this.#int16(values.length)
    for (const value of values) this.#value(value)
    this.#int16(0)
    this.#finish(start)
  }

  /** Asks what the rows of the portal consist of. */
  describe(): void {
    const start = this.#begin(DESCRIBE)
    this.#byte(PORTAL)
    this.#byte(0)
    this.#finish(start)
  }

  execute(): void {
    const start = this.#begin(EXECUTE)
    this.#byte(0)
    this.#int32(0)
    this.#finish(start)
  }

  /** Lets go of a prepared statement, if there is one of that name. */
  close(name: string): void {
    const start = this.#begin(CLOSE)
    this.#byte(STATEMENT)
    this.#terminated(name)
    this.#finish(start)
  }

  sync(): void {
    this.#finish(this.#begin(SYNC))
  }

  /** All messages since the last time. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.#end))
    this.#end = 0
    if (this.#buffer.length > MOST_KEPT_BYTES) this.#buffer = Buffer.allocUnsafe(USUAL_BYTES)
    return taken
  }

  #begin(type: number): number {
    const start = this.#end
    this.#byte(type)
    this.#int32(0)
    return start
  }

  /** Fills in how long the message has become, its type not counted. */
  #finish(start: number): void {
    this.#buffer.writeInt32BE(this.#end - start - 1, start + 1)
  }

  #value(value: WireValue): void {
    const start = this.#end
    this.#int32(-1)
    if (value === null) return
    if (typeof value === 'string') this.#text(value)
    else this.#bytes(value)
    this.#buffer.writeInt32BE(this.#end - start - 4, start)
  }

  #terminated(text: string): void {
    this.#text(text)
    this.#byte(0)
  }

  #text(text: string): void {
    this.#ensure(text.length * MOST_OF_CHARACTER)
    if (text.length <= SHORT && this.#letters(text)) return
    this.#end += this.#buffer.write(text, this.#end)
  }

  /** Writes a text if it is of ASCII alone. */
  #letters(text: string): boolean {
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) return false
      this.#buffer[this.#end + index] = code
    }
    this.#end += text.length
    return true
  }

  #bytes(bytes: Buffer): void {
    this.#ensure(bytes.length)
    bytes.copy(this.#buffer, this.#end)
    this.#end += bytes.length
  }

  #byte(value: number): void {
    this.#ensure(1)
    this.#buffer[this.#end++] = value
  }

  #int16(value: number): void {
    this.#ensure(2)
    this.#buffer.writeUInt16BE(value, this.#end)
    this.#end += 2
  }

  #int32(value: number): void {
    this.#ensure(4)
    this.#buffer.writeInt32BE(value, this.#end)
    this.#end += 4
  }

  #ensure(more: number): void {
    const needed = this.#end + more
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length))
    this.#buffer.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
  }
}
