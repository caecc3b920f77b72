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

/** Column types as migrations that are written in SQL put them into their statements. */
export interface SqlTypes {
  readonly integer: string
  readonly text: string
  /** Behind a table that is looked up by its whole key: it lives in that key's own tree. */
  readonly clustered: string
  readonly isPostgres: boolean
}

/** Runs the statements of a migration one after another, in the words of the database that `knex` speaks to. */
export const execute = async (
  knex: Knex,
  statements: (types: SqlTypes) => readonly string[],
): Promise<void> => {
  const { isPostgres } = columnsOf(knex)
  const types: SqlTypes = {
    integer: isPostgres ? 'bigint' : 'integer',
    text: isPostgres ? 'text COLLATE "C"' : 'text',
    clustered: isPostgres ? '' : ' WITHOUT ROWID',
    isPostgres,
  }
  for (const statement of statements(types)) await knex.raw(statement)
}
