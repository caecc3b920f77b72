import type { CommitResult, WriteStatement } from '../../storage/database.ts'

/** What a job inside the room's queue hands over: statements to commit, and what to answer once they are durable. */
export interface Draft<T> {
  readonly statements: readonly WriteStatement[]
  /** The nids of events that the draft put into the event cache. */
  readonly nids: readonly number[]
  readonly result: (commit: CommitResult & { ok: true }) => T
  /** Decides about a failed guard other than `head`: a value to answer, or an error thrown. */
  readonly onGuard?: (guard: string) => Promise<T>
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

/** A job that needs nothing written answers this. */
export interface Settled<T> {
  readonly settled: T
}

/** The guard of the statement that claims the head. */
export const HEAD_GUARD = 'head'
/** The guard of the statement that makes a room's row. */
export const ROOM_GUARD = 'room'

/** Statements that must come before the head is claimed: the room's own row. */
export const leading = (statements: readonly WriteStatement[]): WriteStatement[] =>
  statements.filter(statement => statement.guard?.name === ROOM_GUARD)

export const following = (statements: readonly WriteStatement[]): WriteStatement[] =>
  statements.filter(statement => statement.guard?.name !== ROOM_GUARD)
