import type { Worker } from 'node:worker_threads'
import { DatabaseUnavailable } from '../database.ts'
import { startThread } from '../thread.ts'
import { toError } from './sqlite-connection.ts'
import type { CommitAnswer, ReadAnswer, WireAnswer, WireBody, WireStatementRef } from './sqlite-wire.ts'

interface Pending {
  resolve(value: CommitAnswer | ReadAnswer | null): void
  reject(error: Error): void
}

const ENTRIES = {
  'writer-worker': new URL('../writer-worker.ts', import.meta.url),
  'reader-worker': new URL('../reader-worker.ts', import.meta.url),
}

/** What a thread makes lives as long as one request; more room for it would only be memory at rest. */
const YOUNG_GENERATION_MB = 16

/**
 * The main thread's end of a storage thread. One thread serves all databases of the process; it starts with the
 * first request, keeps the process alive only while something is under way, and starts anew if it ever dies or has
 * been ended for want of work.
 */
export class SqliteThread {
  readonly #file: keyof typeof ENTRIES
  readonly #textOf: (id: number) => string
  readonly #idleMs: number | undefined
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  /** The statements that the running thread knows. */
  #known = new Set<number>()
  #nextId = 0
  #ending: NodeJS.Timeout | undefined

  /**
   * @param file what the thread runs
   * @param textOf gives a kept statement's text
   * @param idleMs after so many milliseconds without a request the thread ends, which gives back 10 MB; its next start
   *   takes some 50 ms. Never by default.
   */
  constructor(
    file: keyof typeof ENTRIES,
    textOf: (id: number) => string,
    { idleMs }: { readonly idleMs?: number } = {},
  ) {
    this.#file = file
    this.#textOf = textOf
    this.#idleMs = idleMs
  }

  /** Sends a request along with the texts of the statements it uses that are news to the thread. */
  request(body: WireBody, statements: Iterable<WireStatementRef>): Promise<CommitAnswer | ReadAnswer | null> {
    clearTimeout(this.#ending)
    const worker = this.#worker ?? this.#start()
    const definitions: [number, string][] = []
    for (const ref of statements) {
      if (typeof ref === 'string' || this.#known.has(ref)) continue
      this.#known.add(ref)
      definitions.push([ref, this.#textOf(ref)])
    }
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      if (this.#pending.size === 0) worker.ref()
      this.#pending.set(id, { resolve, reject })
      worker.postMessage([id, definitions, body])
    })
  }

  #start(): Worker {
    const worker = startThread(ENTRIES[this.#file], { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB })
    worker.on('message', (answers: readonly WireAnswer[]) => {
      for (const answer of answers) this.#settle(answer)
    })
    worker.on('error', error => this.#lost(worker, error))
    worker.on('exit', () => this.#lost(worker, new Error('the thread ended')))
    worker.unref()
    this.#worker = worker
    this.#known = new Set()
    return worker
  }

  #settle([id, value, error]: WireAnswer): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (this.#pending.size === 0) this.#rest()
    if (error === null) pending?.resolve(value)
    else pending?.reject(toError(error))
  }

  /** Nothing is under way. */
  #rest(): void {
    this.#worker?.unref()
    if (this.#idleMs === undefined) return
    this.#ending = setTimeout(() => {
      const worker = this.#worker
      this.#worker = undefined
      worker?.terminate()
    }, this.#idleMs).unref()
  }

  #lost(worker: Worker, cause: Error): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of pending) reject(new DatabaseUnavailable(`${this.#file} failed`, { cause }))
  }
}
