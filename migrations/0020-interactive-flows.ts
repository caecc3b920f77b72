import { execute } from './columns.ts'
import type { Migration } from './index.ts'

/** What an interactive session may be completed by, so that a browser can pass a stage without the client's request. */
export const interactiveFlows: Migration = {
  name: '0020-interactive-flows',
  breaking: false,
  // JSON: lists of stages. Sessions from before have none, and end within a day.
  up: knex => execute(knex, ({ text }) => [`ALTER TABLE uia_sessions ADD COLUMN flows ${text}`]),
}
