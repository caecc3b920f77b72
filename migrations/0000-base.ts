import { columnsOf } from './columns.ts'
import type { Migration } from './index.ts'

/** What the storage engine itself needs: stream positions, blocks of short ids, and the schema's version. */
export const base: Migration = {
  name: '0000-base',
  breaking: true,
  async up(knex) {
    const { text, integer } = columnsOf(knex)
    // The last position handed out in each append-only stream; a stream appears with its first position.
    await knex.schema.createTable('streams', table => {
      text(table, 'name').primary()
      integer(table, 'position').notNullable()
    })
    // The first short id of each sequence that no process has reserved yet.
    await knex.schema.createTable('nid_sequences', table => {
      text(table, 'name').primary()
      integer(table, 'next').notNullable()
    })
    // One row: which programs may open this database.
    await knex.schema.createTable('schema_info', table => {
      integer(table, 'id').primary()
      integer(table, 'version').notNullable()
      integer(table, 'compatible_back_to').notNullable()
    })
  },
}
