import type { Database } from '../storage/database.ts'
import { delegate } from '../storage/delegate.ts'

/** Whether a server of a test is alive. What it does after its end has no effect: nothing that it waits for comes back. */
export class Life {
  readonly ended: Promise<void>
  #isOver = false
  #end: () => void = () => undefined

  constructor() {
    this.ended = new Promise(resolve => {
      this.#end = resolve
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  end(): void {
    this.#isOver = true
    this.#end()
  }

  /** Does something in the world outside, and comes back with the result, unless life is over by then. */
  async lived<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isOver) return never()
    try {
      return await work()
    } finally {
      if (this.#isOver) await never()
    }
  }
}

const never = <T>(): Promise<T> => new Promise(() => {})

/** A database for as long as a server lives. What it has handed over by its end is committed, and it does not learn so. */
export const mortalDatabase = (database: Database, life: Life): Database => ({
  ...delegate(database),
  all: (prepared, parameters) => life.lived(() => database.all(prepared, parameters)),
  get: (prepared, parameters) => life.lived(() => database.get(prepared, parameters)),
  scan: (prepared, parameters) => life.lived(() => database.scan(prepared, parameters)),
  commit: set => life.lived(() => database.commit(set)),
  onCommit: listener =>
    database.onCommit(moved => {
      if (!life.isOver) listener(moved)
    }),
})
