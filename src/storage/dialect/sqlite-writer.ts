import type { Row, SqlValue, StreamName } from '../database.ts'
import { type Moved, storedPosition } from './positions.ts'
import { SqliteConnection, type SqliteStatement, wireErrorOf } from './sqlite-connection.ts'
import {
  COMMITTED,
  type CommitAnswer,
  FAILED,
  GUARD_FAILED,
  type WireParameter,
  type WireResult,
  type WireSet,
  type WireStatement,
} from './sqlite-wire.ts'

/** Commits groups of write sets on a connection of its own; runs in the writer thread. */
export class SqliteWriter {
  readonly #connection: SqliteConnection
  /** Positions handed out so far by the group at work. */
  readonly #positions = new Map<StreamName, number>()

  constructor(path: string, textOf: (id: number) => string) {
    this.#connection = new SqliteConnection(path, 'write', textOf)
  }

  /**
   * Executes the sets of some groups in order in one transaction and commits it durably; answers each group. A set that
   * fails takes nothing but itself back. Throws when the whole could not be committed; then nothing of it is stored.
   */
  commit(groups: readonly (readonly WireSet[])[]): CommitAnswer[] {
    const before = new Map<StreamName, number>()
    try {
      this.#begin(before)
      const answers = this.#executeAll(groups, before) ?? this.#executeEach(groups, before)
      for (const position of this.#moved(before)) this.#kept(SAVE_POSITION).run(position)
      this.#kept('COMMIT').run()
      return answers
    } catch (error) {
      if (this.#connection.raw.inTransaction) this.#kept('ROLLBACK').run()
      throw error
    }
  }

  /** Copies the log into the database file as far as readers allow. */
  checkpoint(): void {
    this.#connection.raw.pragma('wal_checkpoint(PASSIVE)')
  }

  close(): void {
    this.#connection.close()
  }

  #begin(before: Map<StreamName, number>): void {
    this.#positions.clear()
    before.clear()
    this.#kept('BEGIN IMMEDIATE').run()
  }

  /** How far the streams have moved that these sets have moved. */
  #moved(before: ReadonlyMap<StreamName, number>): Moved {
    return [...this.#positions].filter(([stream, position]) => position !== before.get(stream))
  }

  /**
   * All sets without savepoints between them, since nearly always none fails: a savepoint costs as much as a row, and has
   * the full-text index write out what it gathers. When one does fail, all are taken back and nothing is answered.
   */
  #executeAll(
    groups: readonly (readonly WireSet[])[],
    before: Map<StreamName, number>,
  ): CommitAnswer[] | undefined {
    try {
      const answers = this.#answers(groups, before, set => {
        const result = this.#execute(set, before)
        return result[0] === COMMITTED ? result : undefined
      })
      if (answers !== undefined) return answers
    } catch (error) {
      // A full disk and the like end the whole transaction: then all has failed, not one set alone.
      if (!this.#connection.raw.inTransaction) throw error
    }
    this.#kept('ROLLBACK').run()
    this.#begin(before)
    return undefined
  }

  /** Each set behind a savepoint of its own. */
  #executeEach(groups: readonly (readonly WireSet[])[], before: Map<StreamName, number>): CommitAnswer[] {
    const answers = this.#answers(groups, before, set => {
      this.#kept('SAVEPOINT write_set').run()
      let result: WireResult
      try {
        result = this.#execute(set, before)
      } catch (error) {
        if (!this.#connection.raw.inTransaction) throw error
        result = [FAILED, wireErrorOf(error)]
      }
      if (result[0] !== COMMITTED) this.#kept('ROLLBACK TO write_set').run()
      this.#kept('RELEASE write_set').run()
      return result
    })
    return answers ?? []
  }

  /** What comes of all sets, group by group; `undefined` as soon as nothing comes of one. */
  #answers(
    groups: readonly (readonly WireSet[])[],
    before: ReadonlyMap<StreamName, number>,
    execute: (set: WireSet) => WireResult | undefined,
  ): CommitAnswer[] | undefined {
    const answers: CommitAnswer[] = []
    const all = groups.reduce((count, sets) => count + sets.length, 0)
    for (const sets of groups) {
      const results: WireResult[] = []
      for (const set of sets) {
        const result = execute(set)
        if (result === undefined) return undefined
        results.push(result)
      }
      answers.push({ results, moved: this.#moved(before), shared: answers.length === 0 ? all : 0 })
    }
    return answers
  }

  /** Executes one set as far as its guards hold; what it did until then is the caller's to take back. */
  #execute(set: WireSet, before: Map<StreamName, number>): WireResult {
    const taken = new Map<StreamName, number>()
    const resolve = (parameter: WireParameter): SqlValue => {
      if (!isPosition(parameter)) return parameter
      const [stream, offset] = parameter
      taken.set(stream, Math.max(taken.get(stream) ?? 0, offset + 1))
      return storedPosition(stream, this.#position(stream, before) + 1 + offset)
    }
    const returned: Row[][] = []
    for (const [index, statement] of set.entries()) {
      if (!this.#executeStatement(statement, resolve, returned)) return [GUARD_FAILED, index]
    }
    const positions = [...taken.keys()].map(stream => [stream, this.#position(stream, before) + 1] as const)
    for (const [stream, count] of taken) this.#positions.set(stream, this.#position(stream, before) + count)
    return [COMMITTED, positions, returned]
  }

  /** Whether the guard of the statement, if any, held. */
  #executeStatement(
    [ref, rows, expected, returning]: WireStatement,
    resolve: (parameter: WireParameter) => SqlValue,
    returned: Row[][],
  ): boolean {
    const { statement } = this.#connection.statement(ref)
    const answered: Row[] = []
    let affected = 0
    for (const row of rows) {
      const parameters = row.map(resolve)
      if (statement.reader) {
        const found = this.#connection.all(ref, parameters)
        affected += found.length
        for (const each of found) answered.push(each)
      } else {
        affected += statement.run(parameters).changes
      }
    }
    if (returning) returned.push(answered)
    return expected < 0 || affected === expected
  }

  /** The position before the next; read in the transaction, since other processes may write too. */
  #position(stream: StreamName, before: Map<StreamName, number>): number {
    const known = this.#positions.get(stream)
    if (known !== undefined) return known
    const row = this.#kept(READ_POSITION).get([stream]) as { position: number } | undefined
    const stored = row?.position ?? 0
    before.set(stream, stored)
    this.#positions.set(stream, stored)
    return stored
  }

  /** What the writer itself executes, prepared once. */
  readonly #own = new Map<string, SqliteStatement>()

  #kept(sql: string): SqliteStatement {
    const known = this.#own.get(sql)
    if (known !== undefined) return known
    const { statement } = this.#connection.statement(sql)
    this.#own.set(sql, statement)
    return statement
  }
}

const isPosition = (parameter: WireParameter): parameter is readonly [StreamName, number] =>
  Array.isArray(parameter)

const READ_POSITION = 'SELECT position FROM streams WHERE name = ?'
const SAVE_POSITION =
  'INSERT INTO streams (name, position) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position'
