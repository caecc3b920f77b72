import type { Prepared, SqlList, SqlValue } from '../database.ts'
import { UNKEPT } from './statements.ts'

/** The parameters of one execution. */
export type Parameters = readonly (SqlValue | SqlList)[]

/** One statement as it goes out. */
export interface Execution {
  readonly prepared: Prepared
  readonly parameters: Parameters
  /** How many rows that is. */
  readonly rows: number
}

/** So many rows go together, the most first. Of each statement no more than these are kept prepared. */
const SIZES = [256, 64, 16, 8, 7, 6, 5, 4, 3, 2]

/** An insert of one row of values, which may be one of many. */
const INSERT =
  /^\s*(INSERT INTO (\w+)(?: AS \w+)?\s+\(([\w\s,]+)\)\s+VALUES) (\((?:[^()$]|\$\d+|CAST\(\$\d+ AS \w+\))+\))(.*)$/s
const UPSERT = /^\s*ON CONFLICT \(([\w\s,]+)\)\s+DO UPDATE\b/

/** What a clause of an insert reads beside the row that it meets; that of a list of tables is not all found. */
const READ = /\b(?:FROM|JOIN)\s+(\w+)/gi
const LISTED = /\bFROM\s+\w+(?:\s+\w+){0,2}\s*,/i

interface Batchable {
  /** Into which it inserts, and those that it reads. */
  readonly tables: readonly string[]
  readonly head: string
  /** The values of one row, in parentheses. */
  readonly values: string
  readonly tail: string
  /** Which parameters say what row an upsert meets: a statement may meet none twice. */
  readonly key: readonly number[] | undefined
  readonly bySize: Map<number, Prepared>
}

/**
 * Puts rows that are inserted by one statement of a write set into as few statements as possible: of what a row costs, most is
 * sending a statement and having it answered.
 */
export class PostgresBatches {
  readonly #derive: (sql: string) => Prepared
  readonly #known = new Map<number, Batchable | undefined>()

  constructor(derive: (sql: string) => Prepared) {
    this.#derive = derive
  }

  /** What executes a statement for all of these rows, in order. */
  of(prepared: Prepared, rows: readonly Parameters[]): Execution[] {
    const batchable = rows.length > 1 && prepared.id !== UNKEPT ? this.#batchable(prepared) : undefined
    if (batchable === undefined || !areDistinct(rows, batchable.key)) {
      return rows.map(parameters => ({ prepared, parameters, rows: 1 }))
    }
    const executions: Execution[] = []
    for (let at = 0; at < rows.length; ) {
      const size = SIZES.find(each => each <= rows.length - at) ?? 1
      const parameters = rows.slice(at, at + size).flat()
      executions.push({
        prepared: size === 1 ? prepared : this.#ofSize(batchable, size),
        parameters,
        rows: size,
      })
      at += size
    }
    return executions
  }

  /**
   * The tables that a statement touches which inserts a row of values, as one of many that may go together: `undefined` for any other
   * statement.
   */
  tablesOf(prepared: Prepared): readonly string[] | undefined {
    return prepared.id === UNKEPT ? undefined : this.#batchable(prepared)?.tables
  }

  #ofSize({ head, values, tail, bySize }: Batchable, size: number): Prepared {
    const known = bySize.get(size)
    if (known !== undefined) return known
    const columns = values.match(/\$\d+/g)?.length ?? 0
    const all = Array.from({ length: size }, (_, row) =>
      values.replaceAll(/\$(\d+)/g, (_match, number) => `$${Number(number) + row * columns}`),
    )
    const made = this.#derive(`${head} ${all.join(', ')}${tail}`)
    bySize.set(size, made)
    return made
  }

  #batchable(prepared: Prepared): Batchable | undefined {
    if (!this.#known.has(prepared.id)) this.#known.set(prepared.id, batchableOf(prepared.sql))
    return this.#known.get(prepared.id)
  }
}

const batchableOf = (sql: string): Batchable | undefined => {
  const [, head, table = '', columns = '', values, tail] = INSERT.exec(sql) ?? []
  if (head === undefined || values === undefined || tail === undefined || tail.includes('$')) return undefined
  const read = [...tail.matchAll(READ)].map(([, name = '']) => name)
  // One row would have to see what another has come to.
  if (read.includes(table) || LISTED.test(tail)) return undefined
  const made = { tables: [table, ...read], head, values, tail, bySize: new Map<number, Prepared>() }
  const target = UPSERT.exec(tail)?.[1]
  if (target === undefined) return tail.includes('DO UPDATE') ? undefined : { ...made, key: undefined }
  const names = columns.split(',').map(name => name.trim())
  const given = values.slice(1, -1).split(',')
  const places = target.split(',').map(name => given[names.indexOf(name.trim())]?.trim())
  if (!places.every(place => place !== undefined && /^\$\d+$/.test(place))) return undefined
  return { ...made, key: places.map(place => Number(place?.slice(1)) - 1) }
}

const areDistinct = (rows: readonly Parameters[], key: readonly number[] | undefined): boolean =>
  key === undefined ||
  new Set(rows.map(row => JSON.stringify(key.map(place => row[place])))).size === rows.length
