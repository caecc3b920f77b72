import type { Row, WriteStatement } from '../../storage/database.ts'
import { type PageQuery, pages } from '../../storage/synapse/pages.ts'
import { countRows } from '../../storage/synapse/source.ts'
import type { ImportStep, ImportWorld, StepProgress } from './step.ts'

/** A step that goes through one table, and makes statements of each page. */
export interface TableStep<T extends object> {
  readonly name: string
  /** The table of Synapse that its rows are counted in; where it is missing, there is nothing to do. */
  readonly table: string
  query(world: ImportWorld): PageQuery
  /** Called once before the first page; what it answers gets the pages. */
  begin(
    world: ImportWorld,
    progress: StepProgress,
  ): (rows: readonly T[]) => readonly WriteStatement[] | Promise<readonly WriteStatement[]>
  readonly pageSize?: number
}

/** A step that moves one table: each page is stored together with how far it is. */
export const tableStep = <T extends object = Row>(spec: TableStep<T>): ImportStep => ({
  name: spec.name,
  count: async world => {
    if (!world.source.has(spec.table)) return 0
    const { from, where } = spec.query(world)
    return countRows(world.source, from, where)
  },
  run: async (world, progress) => {
    if (!world.source.has(spec.table)) return
    const query = spec.query(world)
    const move = spec.begin(world, progress)
    for await (const rows of pages<T>(world.source, query, progress.lastKey, spec.pageSize)) {
      const statements = await move(rows)
      const last = rows.at(-1) as Row | undefined
      const key = query.key.map(part => last?.[typeof part === 'string' ? part : part.name] ?? null)
      const note = progress.note(key, rows.length)
      const stored = await world.db.commit({
        statements: [...statements.filter(statement => statement.rows.length > 0), note],
      })
      if (!stored.ok) throw new Error(`the import of ${spec.name} was refused: ${stored.guard}`)
    }
  },
})
