import type { Clock } from '../core/clock.ts'
import { MatrixError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Log } from '../core/log.ts'
import {
  ADMIN_TASKS,
  type AdminTask,
  AdminTaskReader,
  AdminTaskWriter,
  type TaskQuery,
  type TaskState,
} from '../storage/admin-tasks.ts'
import type { Database } from '../storage/database.ts'
import type { HeldRow } from '../storage/due-rows.ts'
import { DueWork } from './due-work.ts'

/** While a task tells how far it is, nobody else takes it for so long. Milliseconds. */
const HOLD_MS = 5 * 60_000

/** What fails for reasons of its own is tried again for so long. Milliseconds. */
const MAX_AGE_MS = 24 * 3_600_000

/** Tasks that one request lists. */
const MAX_LISTED = 1_000

/** What a task is given to work with. */
export interface TaskRun {
  readonly task: AdminTask
  /** Aborted when the server stops: the task ends where it is, and goes on after the next start. */
  readonly signal: AbortSignal
  /** Tells how far it is, and that it is still under way. */
  report(result: JsonObject): Promise<void>
}

/** What became of a run: it is over, or (`laterTs`) goes on at an instant (ms). */
export type TaskOutcome =
  | { readonly result: JsonObject | undefined; readonly error?: string | undefined }
  | { readonly result: JsonObject | undefined; readonly laterTs: number }

/** Does the work of one kind. May run again from what was reported last. A `MatrixError` that it throws (below 500) ends the task. */
export type TaskAction = (run: TaskRun) => Promise<TaskOutcome>

/**
 * Work for administrators that takes longer than a request: stored, done in the background by one process at a time, gone on with after
 * a restart, and known for a week after its end.
 */
export class AdminTasks {
  readonly #database: Database
  readonly #clock: Clock
  readonly #log: Log
  readonly #random: (size: number) => Uint8Array
  readonly #actions: Readonly<Record<string, TaskAction>>
  readonly #read: AdminTaskReader
  readonly #write: AdminTaskWriter
  readonly #due: DueWork
  readonly #closing = new AbortController()

  constructor(parts: {
    database: Database
    clock: Clock
    log: Log
    random: (size: number) => Uint8Array
    /** By the names under which they are stored. */
    actions: Readonly<Record<string, TaskAction>>
  }) {
    const { database, clock, log } = parts
    this.#database = database
    this.#clock = clock
    this.#log = log
    this.#random = parts.random
    this.#actions = parts.actions
    this.#read = new AdminTaskReader(database)
    this.#write = new AdminTaskWriter(database)
    this.#due = new DueWork({
      ...{ database, clock, log, table: ADMIN_TASKS },
      perform: row => this.#perform(row),
    })
  }

  start(): void {
    this.#due.start()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#due.close()
  }

  /** Has something done; answers the name of the task. Throws `M_UNKNOWN` (400) where it is under way and goes on only once. */
  async schedule(action: string, resourceId: string, params: JsonObject): Promise<string> {
    const now = this.#clock.now()
    const task = { taskId: this.#newId(), action, resourceId, params }
    await this.#add(this.#write.add(task, now))
    this.#due.expect(now)
    return task.taskId
  }

  /**
   * Has something begun at once; answers the task as it is when it is over or waits for something. What a stop of the server
   * interrupts goes on after the next start. Throws as `schedule`.
   */
  async run(action: string, resourceId: string, params: JsonObject): Promise<AdminTask | undefined> {
    const now = this.#clock.now()
    const task = { taskId: this.#newId(), action, resourceId, params }
    await this.#add(this.#write.add(task, now, now + HOLD_MS))
    await this.#perform({ key: task.taskId })
    return this.one(task.taskId)
  }

  one(taskId: string): Promise<AdminTask | undefined> {
    return this.#read.one(taskId)
  }

  /** A task of a kind about something that is not over. */
  open(resourceId: string, action: string): Promise<AdminTask | undefined> {
    return this.#read.open(resourceId, action)
  }

  /** The oldest tasks that are wanted. */
  list(query: TaskQuery): Promise<AdminTask[]> {
    return this.#read.list(query, MAX_LISTED)
  }

  #newId(): string {
    return Buffer.from(this.#random(12)).toString('hex')
  }

  async #perform(row: Pick<HeldRow, 'key'>): Promise<void> {
    const task = await this.#read.one(row.key)
    if (task === undefined) return
    let { result } = task
    const report = async (reached: JsonObject | undefined): Promise<void> => {
      result = reached
      const state = { status: 'active', result } as const
      await this.#commit(this.#write.progress(row, state, this.#clock.now() + HOLD_MS))
    }
    await report(result)
    const end = async (state: TaskState): Promise<void> => {
      await this.#commit(this.#write.done(row, state, this.#clock.now()))
      const { action, resourceId } = task
      this.#log.info({ task: row.key, action, about: resourceId, ...state }, 'a task is over')
    }
    try {
      const action = this.#actions[task.action]
      if (action === undefined)
        throw new MatrixError('M_UNRECOGNIZED', 'This server does not know such tasks')
      const outcome = await action({ task, signal: this.#closing.signal, report })
      if ('laterTs' in outcome) {
        const state = { status: 'active', result: outcome.result } as const
        await this.#commit(this.#write.postpone(row, state, outcome.laterTs))
        this.#due.expect(outcome.laterTs)
      } else await end({ ...outcome, status: outcome.error === undefined ? 'complete' : 'failed' })
    } catch (error) {
      const isRefusal = error instanceof MatrixError && error.status < 500
      if (!isRefusal && this.#clock.now() - task.createdTs < MAX_AGE_MS) throw error
      if (!isRefusal) this.#log.error({ err: error, task: row.key }, 'a task is given up')
      await end({ status: 'failed', result, error: isRefusal ? error.message : 'it failed again and again' })
    }
  }

  async #add(statement: ReturnType<AdminTaskWriter['add']>): Promise<void> {
    const { ok } = await this.#database.commit({ statements: [statement] })
    if (!ok) throw new MatrixError('M_UNKNOWN', 'That is being done already', { status: 400 })
  }

  async #commit(statement: ReturnType<AdminTaskWriter['done']>): Promise<void> {
    await this.#database.commit({ statements: [statement] })
  }
}
