import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** How the names begin under which it is kept how far services were told (`appServiceFollows`). */
const PREFIX = 'appservice '
/** In place of a stream: since when a service is not registered, in milliseconds since 1970. */
const GONE = 'gone'

/** A service that was told something once. */
export interface KnownFollower {
  readonly goneSince: number | undefined
}

/** Reads which services were told something, and are registered no more. */
export class AbsenceReader {
  readonly #db: Reader
  readonly #all: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#all = db.prepare(`SELECT name, position FROM followed_streams WHERE name LIKE '${PREFIX}%'`)
  }

  /** All of them, by their IDs. */
  async followers(): Promise<ReadonlyMap<string, KnownFollower>> {
    const rows = await this.#db.all<{ name: string; position: number }>(this.#all)
    const found = new Map<string, KnownFollower>()
    for (const { name, position } of rows) {
      // Streams have no spaces in their names.
      const end = name.lastIndexOf(' ')
      const [serviceId, stream] = [name.slice(PREFIX.length, end), name.slice(end + 1)]
      if (stream === GONE) found.set(serviceId, { goneSince: position })
      else if (!found.has(serviceId)) found.set(serviceId, { goneSince: undefined })
    }
    return found
  }
}

/** Builds the statements about that. */
export class AbsenceWriter {
  readonly #isGone: Prepared
  readonly #forget: Prepared
  readonly #isNoted: Prepared
  readonly #drop: Prepared
  readonly #streams: readonly string[]

  constructor(db: Reader, streams: readonly string[]) {
    this.#streams = streams
    this.#isGone = db.prepare(
      'INSERT INTO followed_streams (name, position) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#forget = db.prepare('DELETE FROM followed_streams WHERE name = ?')
    this.#isNoted = db.prepare('DELETE FROM followed_streams WHERE name = ? AND position = ?')
    this.#drop = db.prepare('DELETE FROM app_service_transactions WHERE service_id = ?')
  }

  isGone(serviceId: string, now: number): WriteStatement[] {
    return [{ prepared: this.#isGone, rows: [[nameOf(serviceId, GONE), now]] }]
  }

  isBack(serviceId: string): WriteStatement[] {
    return [{ prepared: this.#forget, rows: [[nameOf(serviceId, GONE)]] }]
  }

  /** As if the service had never been there. Guard `absence-noted`: another has said so, and may have told it something by now. */
  beginsAnew(serviceId: string, goneSince: number): WriteStatement[] {
    const names = this.#streams.map(stream => [nameOf(serviceId, stream)])
    return [
      {
        prepared: this.#isNoted,
        rows: [[nameOf(serviceId, GONE), goneSince]],
        guard: { name: 'absence-noted', expected: 1 },
      },
      { prepared: this.#forget, rows: names },
      { prepared: this.#drop, rows: [[serviceId]] },
    ]
  }
}

const nameOf = (serviceId: string, stream: string): string => `${PREFIX}${serviceId} ${stream}`
