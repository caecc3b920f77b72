import type { Knex } from 'knex'

/**
 * What the two databases call things in DDL. Migrations speak through `columnsOf(knex)` and stay the same for both.
 *
 * - Text compares byte by byte: PostgreSQL would otherwise use the locale of the database, so that `ORDER BY` and
 *   ranges would differ between installations.
 * - Integers are 64 bits wide (SQLite's always are); booleans are integers 0 and 1; JSON is text; instants are
 *   milliseconds since 1970.
 * - Constraints are never DEFERRABLE: a violation has to show at its own statement, where it rolls back only its
 *   own write set, not at the commit that many sets share.
 */
export interface Columns {
  /** A text column that compares bytewise. */
  text(table: Knex.CreateTableBuilder, name: string): Knex.ColumnBuilder
  /** A 64-bit integer. */
  integer(table: Knex.CreateTableBuilder, name: string): Knex.ColumnBuilder
  /** A floating-point number. */
  real(table: Knex.CreateTableBuilder, name: string): Knex.ColumnBuilder
  /** Bytes. */
  blob(table: Knex.CreateTableBuilder, name: string): Knex.ColumnBuilder
  /** 0 or 1. */
  boolean(table: Knex.CreateTableBuilder, name: string): Knex.ColumnBuilder
  readonly isPostgres: boolean
}

/** The column types of the database that `knex` speaks to. */
export const columnsOf = (knex: Knex): Columns => {
  const isPostgres = knex.client.config.client === 'pg'
  const type =
    (sqlite: string, postgres: string) =>
    (table: Knex.CreateTableBuilder, name: string): Knex.ColumnBuilder =>
      table.specificType(name, isPostgres ? postgres : sqlite)
  return {
    isPostgres,
    text: type('text', 'text COLLATE "C"'),
    integer: type('integer', 'bigint'),
    real: type('real', 'double precision'),
    blob: type('blob', 'bytea'),
    boolean: type('integer', 'smallint'),
  }
}
