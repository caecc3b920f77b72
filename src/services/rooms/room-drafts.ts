import { MatrixError } from '../../core/errors.ts'
import type { Database, Stored, WriteStatement } from '../../storage/database.ts'
import type { Answer } from '../answer.ts'
import type { RoomHead } from './room-head.ts'

/** What a job inside the room's queue hands over: statements to commit, and what to answer once they are durable. */
export interface Draft<T> {
  readonly statements: readonly WriteStatement[]
  /** The nids of events that the draft put into the event cache. */
  readonly nids: readonly number[]
  /** Tells the caches, and answers; called as `WriteSet.onStored`. */
  readonly result: (stored: Stored) => T
  /** Decides about a failed guard other than `head`: a value to answer, or an error thrown. */
  readonly onGuard?: (guard: string) => Promise<T>
}

/** Commits a draft with the statements that claim the head; answers what it answers, or the guard that has failed. */
export const commitDraft = async <T>(
  db: Database,
  { statements, result }: Draft<T>,
  claim: WriteStatement,
): Promise<{ readonly value: T } | { readonly guard: string }> => {
  let answer = undefined as { readonly value: T } | undefined
  const committed = await db.commit({
    statements: claiming(statements, claim),
    onStored: stored => {
      answer = { value: result(stored) }
    },
  })
  if (!committed.ok) return committed
  if (answer === undefined) throw new Error('a commit was not told of')
  return answer
}

/** A guard that the sender of an event gave along has failed: nothing was stored. */
export class GuardFailed extends Error {
  override readonly name = 'GuardFailed'
  readonly guard: string
  constructor(guard: string) {
    super(`guard ${guard} failed`)
    this.guard = guard
  }
}

/** Other processes were faster again and again: nothing was stored, and it may be tried later. */
export class RoomContended extends MatrixError {
  constructor() {
    super('M_UNKNOWN', 'The room is written to by too many at once', { status: 503 })
  }
}

/** A job that needs nothing written answers this. */
export interface Settled<T> {
  readonly settled: T
}

/** Drafts a change over a room's head, which it moves forward itself. It may run several times, and awaits nothing but reads. */
export type Job<T> = (head: RoomHead) => Answer<Draft<T> | Settled<T>>

/** How a job wants to be run. */
export interface UpdateOptions {
  /** The job needs the database to tell what the head tells: it runs when nothing of the room is in flight. */
  readonly settled?: boolean | ((head: RoomHead) => boolean)
}

/** Whether a head is as such a job needs it. */
export const isReady = (head: RoomHead, { settled = false }: UpdateOptions): boolean =>
  head.inFlight === 0 || (typeof settled === 'function' ? !settled(head) : !settled)

/** What has become of a draft: its answer, or that it has to be made again from a fresh head. */
export type Outcome<T> = { readonly value: T } | { readonly retry: true }

/** A draft on its way into the database. */
export interface Submitted<T> {
  readonly outcome: Promise<Outcome<T>>
}

/** What comes of a job that was run: nothing to write, or a draft on its way. */
export type Attempted<T> = Settled<T> | Submitted<T>

/** The guard of the statement that claims the head. */
export const HEAD_GUARD = 'head'
/** The guard of the statement that makes a room's row. */
export const ROOM_GUARD = 'room'

/** The statements with that which claims the head: first, but for the room's own row, which has to be there. */
const claiming = (statements: readonly WriteStatement[], claim: WriteStatement): WriteStatement[] => {
  const isRow = ({ guard }: WriteStatement): boolean => guard?.name === ROOM_GUARD
  if (!statements.some(isRow)) return [claim, ...statements]
  return [...statements.filter(isRow), claim, ...statements.filter(statement => !isRow(statement))]
}
