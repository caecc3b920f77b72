import type { Prepared } from '../database.ts'

/** The id of a statement that is executed once and not kept prepared: its text travels instead. */
export const UNKEPT = -1

/**
 * Interns statements: the same text always gives the same small id, so that threads and connections keep prepared
 * statements in arrays, and the text travels once. One table serves all databases of a dialect in this process.
 */
export class StatementTable {
  readonly #byText = new Map<string, Prepared>()
  readonly #all: Prepared[] = []
  readonly #derived = new Map<string, Prepared>()
  readonly #render: (sql: string) => string

  /** `render` turns `?` placeholders into those of the dialect. */
  constructor(render: (sql: string) => string) {
    this.#render = render
  }

  /** The statement of this text, new or known. */
  prepare(text: string): Prepared {
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const prepared = { id: this.#all.length, sql: this.#render(text) }
    this.#byText.set(text, prepared)
    this.#all.push(prepared)
    return prepared
  }

  /** One that the dialect makes of those that were prepared, in its own words: it has an id like them, and is not among `texts`. */
  derive(sql: string): Prepared {
    const known = this.#derived.get(sql)
    if (known !== undefined) return known
    // Counted from the other side, so that ids stay indices into what was prepared.
    const prepared = { id: UNKEPT - 1 - this.#derived.size, sql }
    this.#derived.set(sql, prepared)
    return prepared
  }

  /** The dialect's texts of all statements, in the order in which they were first prepared. */
  texts(): string[] {
    return this.#all.map(({ sql }) => sql)
  }

  /** The dialect's text of a kept statement. */
  textOf(id: number): string {
    const prepared = this.#all[id]
    if (prepared === undefined) throw new Error(`there is no statement ${id}`)
    return prepared.sql
  }
}
