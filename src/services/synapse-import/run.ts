import type { SqlValue } from '../../storage/database.ts'
import { ImportProgress, NOTHING_DONE, type StepState } from '../../storage/synapse/import-progress.ts'
import type { ImportStep, ImportWorld, StepProgress } from './step.ts'

/** How far an import is. */
export interface ImportShown {
  readonly step: string
  /** Rows of the source, of all steps. */
  readonly rows: number
  readonly total: number
}

/** What an import has come to, in the order of its steps. */
export interface ImportReport {
  readonly came: ReadonlyMap<string, number>
  readonly left: ReadonlyMap<string, number>
}

/** Runs the steps of an import, or what is left of them after an interruption. */
export const runImport = async (
  steps: readonly ImportStep[],
  world: ImportWorld,
  show: (shown: ImportShown) => void = () => undefined,
): Promise<ImportReport> => {
  const stored = new ImportProgress(world.db)
  const states = await stored.states()
  const totals = new Map<string, number>()
  for (const step of steps) totals.set(step.name, await step.count(world))
  const total = [...totals.values()].reduce((sum, count) => sum + count, 0)
  let before = 0
  for (const step of steps) {
    const known = states.get(step.name) ?? NOTHING_DONE
    const counted = new Counted(step.name, known, stored, rows =>
      show({ step: step.name, rows: before + rows, total }),
    )
    if (!known.isDone) {
      show({ step: step.name, rows: before + known.rows, total })
      await step.run(world, counted)
      await world.db.commit({ statements: [counted.done()] })
    }
    states.set(step.name, counted.state)
    before += totals.get(step.name) ?? 0
  }
  return reportOf(steps.map(step => states.get(step.name) ?? NOTHING_DONE))
}

const reportOf = (states: readonly StepState[]): ImportReport => {
  const sum = (part: 'came' | 'left'): Map<string, number> => {
    const sums = new Map<string, number>()
    for (const state of states)
      for (const [what, count] of Object.entries(state[part])) sums.set(what, (sums.get(what) ?? 0) + count)
    return sums
  }
  return { came: sum('came'), left: sum('left') }
}

class Counted implements StepProgress {
  readonly #step: string
  readonly #stored: ImportProgress
  readonly #onRows: (rows: number) => void
  #state: StepState

  constructor(step: string, state: StepState, stored: ImportProgress, onRows: (rows: number) => void) {
    this.#step = step
    this.#state = state
    this.#stored = stored
    this.#onRows = onRows
  }

  get state(): StepState {
    return this.#state
  }

  get lastKey(): readonly SqlValue[] | undefined {
    return this.#state.lastKey
  }

  came(what: string, count = 1): void {
    this.#add('came', what, count)
  }

  left(why: string, count = 1): void {
    this.#add('left', why, count)
  }

  note(lastKey: readonly SqlValue[], rows: number): ReturnType<ImportProgress['note']> {
    this.#state = { ...this.#state, lastKey, rows: this.#state.rows + rows }
    this.#onRows(this.#state.rows)
    return this.#stored.note(this.#step, this.#state)
  }

  done(): ReturnType<ImportProgress['note']> {
    this.#state = { ...this.#state, isDone: true }
    return this.#stored.note(this.#step, this.#state)
  }

  #add(part: 'came' | 'left', what: string, count: number): void {
    if (count === 0) return
    const counts = this.#state[part]
    this.#state = { ...this.#state, [part]: { ...counts, [what]: (counts[what] ?? 0) + count } }
  }
}
