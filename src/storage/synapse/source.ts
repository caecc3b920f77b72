import type { SqlValue } from '../database.ts'

/** Where Synapse keeps its data. */
export type SynapseLocation =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }

/** Why a database of Synapse cannot be read; for the operator as it is. */
export class SynapseUnreadable extends Error {
  override readonly name = 'SynapseUnreadable'
}

/** A database of Synapse as it is at one moment. It is never written to. */
export interface SynapseSource {
  readonly kind: SynapseLocation['kind']
  /** The version of Synapse's schema. */
  readonly schemaVersion: number
  /** Whether there is such a table, or such a column of it: older schemas lack some. */
  has(table: string, column?: string): boolean
  /** All rows of a query with `?` placeholders, which therefore cannot stand in literals: not for whole tables, see `pages`. */
  all<T extends object>(sql: string, parameters?: readonly SqlValue[]): Promise<T[]>
  /** Its first row. */
  get<T extends object>(sql: string, parameters?: readonly SqlValue[]): Promise<T | undefined>
  /** Whether others are connected to it (PostgreSQL). */
  othersConnected(): Promise<number>
  close(): Promise<void>
}

/** `?, ?, ?`: as many placeholders as there are values. */
export const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join(', ')

/** How many rows a table (or tables joined) has, or those of them that a condition names. */
export const countRows = async (source: SynapseSource, table: string, where?: string): Promise<number> => {
  const condition = where === undefined ? '' : ` WHERE ${where}`
  const row = await source.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}${condition}`)
  return Number(row?.n ?? 0)
}

/** `?` → `$1`, `$2`, …: what PostgreSQL calls them. */
export const numbered = (sql: string): string => {
  let count = 0
  return sql.replaceAll('?', () => `$${++count}`)
}
