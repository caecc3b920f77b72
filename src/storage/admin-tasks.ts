import type { JsonObject } from '../core/json.ts'
import type { Prepared, Reader, WriteStatement } from './database.ts'
import type { DueTable, HeldRow } from './due-rows.ts'

/** Where a task is: it waits, is under way, or is over. */
export const TASK_STATUSES = ['scheduled', 'active', 'complete', 'failed'] as const
export type TaskStatus = (typeof TASK_STATUSES)[number]

/** Work that an administrator has asked for, and that takes long. Instants are milliseconds since 1970. */
export interface AdminTask {
  readonly taskId: string
  /** Which kind of work. */
  readonly action: string
  /** What it is about, such as a room ID. */
  readonly resourceId: string
  /** What is to be done, in the action's own words. */
  readonly params: JsonObject
  readonly status: TaskStatus
  /** What has come of it so far. */
  readonly result: JsonObject | undefined
  /** Why it failed. */
  readonly error: string | undefined
  readonly createdTs: number
}

/** How a task stands after some work. */
export interface TaskState {
  readonly status: TaskStatus
  readonly result: JsonObject | undefined
  readonly error?: string | undefined
}

/** Which tasks somebody wants to see; what is not given is of no matter. */
export interface TaskQuery {
  readonly actions?: readonly string[] | undefined
  readonly resourceId?: string | undefined
  readonly statuses?: readonly TaskStatus[] | undefined
  /** Those that were asked for until then. */
  readonly until?: number | undefined
}

/** Work about one thing is done in turn. */
export const ADMIN_TASKS: DueTable = { name: 'admin_tasks', key: 'task_id', lane: 'resource_id' }

interface Columns {
  task_id: string
  action: string
  resource_id: string
  params: string
  status: TaskStatus
  result: string | null
  error: string | null
  created_ts: number
}

const COLUMNS = 'task_id, action, resource_id, params, status, result, error, created_ts'

const task = (row: Columns): AdminTask => ({
  taskId: row.task_id,
  action: row.action,
  resourceId: row.resource_id,
  params: JSON.parse(row.params) as JsonObject,
  status: row.status,
  result: row.result === null ? undefined : (JSON.parse(row.result) as JsonObject),
  error: row.error ?? undefined,
  createdTs: row.created_ts,
})

/** Reads tasks. */
export class AdminTaskReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #open: Prepared
  readonly #list: Prepared

  constructor(db: Reader) {
    this.#db = db
    const { inText } = db.dialect
    this.#one = db.prepare(`SELECT ${COLUMNS} FROM admin_tasks WHERE task_id = ?`)
    this.#open = db.prepare(
      `SELECT ${COLUMNS} FROM admin_tasks WHERE resource_id = ? AND action = ? AND done_ts IS NULL LIMIT 1`,
    )
    const flag = 'CAST(? AS integer) = 1'
    this.#list = db.prepare(
      `SELECT ${COLUMNS} FROM admin_tasks
       WHERE (${flag} OR ${inText('action')}) AND (${flag} OR resource_id = ?) AND (${flag} OR ${inText('status')})
         AND created_ts <= ? ORDER BY created_ts, task_id LIMIT ?`,
    )
  }

  async one(taskId: string): Promise<AdminTask | undefined> {
    const row = await this.#db.get<Columns>(this.#one, [taskId])
    return row && task(row)
  }

  /** A task of a kind about something that is not over. */
  async open(resourceId: string, action: string): Promise<AdminTask | undefined> {
    const row = await this.#db.get<Columns>(this.#open, [resourceId, action])
    return row && task(row)
  }

  /** The oldest tasks that are wanted, at most `limit`. */
  async list(query: TaskQuery, limit: number): Promise<AdminTask[]> {
    const { actions, resourceId, statuses, until = Number.MAX_SAFE_INTEGER } = query
    const rows = await this.#db.scan<Columns>(this.#list, [
      ...[actions === undefined ? 1 : 0, this.#db.list(actions ?? [])],
      ...[resourceId === undefined ? 1 : 0, resourceId ?? ''],
      ...[statuses === undefined ? 1 : 0, this.#db.list(statuses ?? [])],
      ...[until, limit],
    ])
    return rows.map(task)
  }
}

/** Builds the statements about tasks. */
export class AdminTaskWriter {
  readonly #add: Prepared
  readonly #progress: Prepared
  readonly #postpone: Prepared
  readonly #done: Prepared

  constructor(db: Reader) {
    this.#add = db.prepare(
      `INSERT INTO admin_tasks (${COLUMNS}, due_ts, wake_ts) VALUES (?, ?, ?, ?, ?, NULL, NULL, ?, ?, ?)
       ON CONFLICT (resource_id) WHERE action = 'shutdown_and_purge_room' AND done_ts IS NULL DO NOTHING`,
    )
    const state = 'status = ?, result = ?, error = ?'
    this.#progress = db.prepare(
      `UPDATE admin_tasks SET ${state}, wake_ts = ? WHERE task_id = ? AND done_ts IS NULL`,
    )
    this.#postpone = db.prepare(
      `UPDATE admin_tasks SET ${state}, due_ts = ?, wake_ts = ? WHERE task_id = ? AND done_ts IS NULL`,
    )
    this.#done = db.prepare(
      `UPDATE admin_tasks SET ${state}, wake_ts = NULL, done_ts = ? WHERE task_id = ? AND done_ts IS NULL`,
    )
  }

  /**
   * A task that is due now. Nobody takes it before `heldUntil`. Guard `alone`: no other of its kind about the same is open, where only
   * one may be.
   */
  add(
    { taskId, action, resourceId, params }: Pick<AdminTask, 'taskId' | 'action' | 'resourceId' | 'params'>,
    now: number,
    heldUntil = now,
  ): WriteStatement {
    const row = [taskId, action, resourceId, JSON.stringify(params), 'scheduled', now, now, heldUntil]
    return { prepared: this.#add, rows: [row], guard: { name: 'alone', expected: 1 } }
  }

  /** It is under way, and nobody else takes it until `heldUntil`. */
  progress({ key }: Pick<HeldRow, 'key'>, state: TaskState, heldUntil: number): WriteStatement {
    return { prepared: this.#progress, rows: [[...columnsOf(state), heldUntil, key]] }
  }

  /** It goes on later. */
  postpone({ key }: Pick<HeldRow, 'key'>, state: TaskState, until: number): WriteStatement {
    return { prepared: this.#postpone, rows: [[...columnsOf(state), until, until, key]] }
  }

  /** It is over. */
  done({ key }: Pick<HeldRow, 'key'>, state: TaskState, now: number): WriteStatement {
    return { prepared: this.#done, rows: [[...columnsOf(state), now, key]] }
  }
}

const columnsOf = ({ status, result, error }: TaskState): (string | null)[] => [
  status,
  result === undefined ? null : JSON.stringify(result),
  error ?? null,
]
