import type { Prepared, SqlParameter, StreamName, StreamPosition } from '../database.ts'
import { UNKEPT } from './statements.ts'

/** What differs from the statement as its store has written it. */
export interface Variation {
  /** Of each parameter: the stream of which it is a position. */
  readonly positions: readonly (StreamName | undefined)[]
  /** How many rows it must affect; the server refuses it otherwise, with the error `FENCED`. */
  readonly fence: number | undefined
}

/** Division by zero, which none of our statements comes to by itself. */
export const FENCED = '22012'

/** The setting that holds, until the end of a transaction, the last position that it has taken of a stream. */
export const settingOf = (stream: StreamName): string => `tessera.${stream}`

export const isPosition = (parameter: SqlParameter): parameter is StreamPosition =>
  typeof parameter === 'object' && parameter !== null && 'stream' in parameter

/**
 * Makes statements that the server can execute without being told in between what the ones before it came to: positions that
 * were taken in the same breath stand in settings of the transaction, and a guard is judged where the rows are.
 */
export class PostgresVariants {
  readonly #derive: (sql: string) => Prepared
  readonly #known = new Map<string, Prepared>()

  constructor(derive: (sql: string) => Prepared) {
    this.#derive = derive
  }

  /** The statement with this variation; the parameters at places of positions say how far before the last one taken they are. */
  of(prepared: Prepared, { positions, fence }: Variation): Prepared {
    const streams = positions.flatMap((stream, place) => (stream === undefined ? [] : `${place}${stream}`))
    if (streams.length === 0 && fence === undefined) return prepared
    if (prepared.id === UNKEPT) return { id: UNKEPT, sql: varied(prepared.sql, { positions, fence }) }
    const key = `${prepared.id}/${fence ?? ''}/${streams.join()}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const made = this.#derive(varied(prepared.sql, { positions, fence }))
    this.#known.set(key, made)
    return made
  }
}

const varied = (sql: string, { positions, fence }: Variation): string => {
  const placed = withPositions(sql, positions)
  return fence === undefined ? placed : fenced(placed, fence)
}

/** `backfill` grows into the past: what is stored is the negative of the position (`storedPosition`). */
const withPositions = (sql: string, positions: Variation['positions']): string =>
  sql.replaceAll(/\$(\d+)/g, (placeholder, number) => {
    const stream = positions[Number(number) - 1]
    if (stream === undefined) return placeholder
    const last = `CAST(current_setting('${settingOf(stream)}') AS bigint)`
    return stream === 'backfill' ? `(${placeholder} - ${last})` : `(${last} - ${placeholder})`
  })

const fenced = (sql: string, expected: number): string => {
  const counted = /\bRETURNING\b|^\s*SELECT\b/i.test(sql) ? sql : `${sql} RETURNING 1`
  return `WITH affected AS (${counted}) SELECT 1 / CAST(COUNT(*) = ${expected} AS int) FROM affected`
}
