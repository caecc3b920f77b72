import type pg from 'pg'
import type { Prepared, Row, SqlList, SqlValue } from '../database.ts'
import type { Executed } from './postgres-connection.ts'
import { isLost } from './postgres-errors.ts'
import { PostgresMessages, type WireValue } from './postgres-messages.ts'
import { parserOf, wireValue } from './postgres-values.ts'
import { UNKEPT } from './statements.ts'

/** One statement of a flight. */
export interface Leg {
  readonly prepared: Prepared
  readonly parameters: readonly (SqlValue | SqlList)[]
  /** Whether its rows are wanted; those of others are dropped. */
  readonly hasRows?: boolean
}

/** What came of a flight. */
export interface Landed {
  /** What each statement did, up to the one that was refused. */
  readonly executed: readonly Executed[]
  /** Why that was refused; what came after it has not been executed. */
  readonly error?: unknown
}

interface Field {
  readonly name: string
  readonly parse: (text: string) => SqlValue
}

/** Where flights are written, one after the other. */
const messages = new PostgresMessages()

/** The statements that a connection has prepared, by name; with what their rows consist of, if they have been asked for. */
export type Known = Map<string, readonly Field[] | undefined>

/**
 * Statements that go out together and are answered together, in one round on the wire: the server executes one after the other and stops at
 * the first that it refuses. (The driver has each statement answered by itself, which costs a packet, and described anew each time.)
 */
export class PostgresFlight implements pg.Submittable {
  /** Rejects with the driver's error when the connection was lost. */
  readonly landed: Promise<Landed>
  readonly #legs: readonly Leg[]
  /** Made before anything is sent, so that what cannot be sent breaks nothing. */
  readonly #values: readonly (readonly WireValue[])[]
  readonly #known: Known
  /** What this flight has had prepared, with the place of its statement. */
  readonly #brought = new Map<string, number>()
  readonly #executed: Executed[] = []
  readonly #settle: { resolve(landed: Landed): void; reject(error: unknown): void }
  /** Those of the next statement, as the server has described them. */
  #fields: readonly Field[] | undefined
  #rows: Row[] = []

  constructor(legs: readonly Leg[], known: Known) {
    this.#legs = legs
    this.#values = legs.map(({ parameters }) => parameters.map(wireValue))
    this.#known = known
    const { promise, resolve, reject } = Promise.withResolvers<Landed>()
    this.landed = promise
    this.#settle = { resolve, reject }
  }

  /** Called by the driver when it is this flight's turn. */
  submit(connection: pg.Connection): void {
    messages.begin()
    for (const [place, { prepared, hasRows }] of this.#legs.entries()) {
      const name = nameOf(prepared)
      if (!this.#known.has(name)) {
        // It may be there nevertheless, if what brought it was refused.
        if (name !== '') messages.close(name)
        messages.parse(name, prepared.sql)
        if (name !== '') {
          this.#known.set(name, undefined)
          this.#brought.set(name, place)
        }
      }
      messages.bind(name, this.#values[place] ?? [])
      if (hasRows === true && this.#known.get(name) === undefined) messages.describe()
      messages.execute()
    }
    messages.sync()
    const flight = messages.take()
    // One that is lost tells so by itself.
    if (connection.stream.writable) connection.stream.write(flight)
  }

  handleRowDescription({ fields }: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    this.#fields = fields.map(({ name, dataTypeID }) => ({ name, parse: parserOf(dataTypeID) }))
    const name = this.#name()
    if (name !== '') this.#known.set(name, this.#fields)
  }

  handleDataRow({ fields: values }: { fields: readonly (string | null)[] }): void {
    if (this.#legs[this.#executed.length]?.hasRows !== true) return
    this.#fields ??= this.#known.get(this.#name()) ?? []
    const row: Row = {}
    for (const [index, { name, parse }] of this.#fields.entries()) {
      const value = values[index] ?? null
      row[name] = value === null ? null : parse(value)
    }
    this.#rows.push(row)
  }

  /** `text` is `INSERT 0 2`, `UPDATE 1`, `COMMIT`, … */
  handleCommandComplete({ text }: { text: string }): void {
    const words = text.split(' ')
    this.#executed.push({ rows: this.#rows, count: Number(words.at(-1)) || 0, command: words[0] ?? '' })
    this.#rows = []
    this.#fields = undefined
  }

  /** Comes once, when all are done. */
  handleReadyForQuery(): void {
    this.#settle.resolve({ executed: this.#executed })
  }

  handleError(error: unknown): void {
    for (const [name, place] of this.#brought) if (place >= this.#executed.length) this.#known.delete(name)
    if (isLost(error)) this.#settle.reject(error)
    else this.#settle.resolve({ executed: this.#executed, error })
  }

  /** That of the statement whose answer is being read. */
  #name(): string {
    const leg = this.#legs[this.#executed.length]
    return leg === undefined ? '' : nameOf(leg.prepared)
  }
}

const nameOf = ({ id }: Prepared): string => (id === UNKEPT ? '' : `s${id}`)
