import { parentPort, type Worker } from 'node:worker_threads'
import { startThread } from '../storage/thread.ts'

interface Job<Input, Output> {
  readonly input: Input
  resolve(output: Output): void
  reject(error: Error): void
}

type Answer<Output> = { readonly output: Output } | { readonly error: string }

/** How long threads wait for the next job before they end: each takes 10 MB while it does nothing. */
const IDLE_MS = 60_000

/**
 * A few threads that run one pure function over values that can be cloned. They start when they are needed, take one job
 * at a time, keep the process alive only while they work, end when there has been nothing to do for a while, and are
 * replaced if they die.
 */
export class WorkerPool<Input, Output> {
  readonly #file: URL
  readonly #threads: number
  readonly #idleMs: number
  readonly #idle: Worker[] = []
  readonly #waiting: Job<Input, Output>[] = []
  /** What each thread is at. */
  readonly #jobs = new Map<Worker, Job<Input, Output> | undefined>()
  #ending: NodeJS.Timeout | undefined

  constructor(file: URL, options: { readonly threads: number; readonly idleMs?: number }) {
    this.#file = file
    this.#threads = options.threads
    this.#idleMs = options.idleMs ?? IDLE_MS
  }

  /** Runs the function in one of the threads. Throws what it throws, as an `Error` with the same message. */
  run(input: Input): Promise<Output> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ input, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#waiting.length === 0) return
    const worker = this.#idle.pop() ?? (this.#jobs.size < this.#threads ? this.#start() : undefined)
    const job = worker && this.#waiting.shift()
    if (worker === undefined || job === undefined) return
    this.#jobs.set(worker, job)
    worker.ref()
    worker.postMessage(job.input)
  }

  #start(): Worker {
    const worker = startThread(this.#file)
    this.#jobs.set(worker, undefined)
    worker.on('message', (answer: Answer<Output>) => this.#answered(worker, answer))
    worker.on('error', error => this.#lost(worker, error))
    worker.on('exit', () => this.#lost(worker, new Error('the thread ended')))
    return worker
  }

  #answered(worker: Worker, answer: Answer<Output>): void {
    const job = this.#jobs.get(worker)
    this.#jobs.set(worker, undefined)
    worker.unref()
    this.#idle.push(worker)
    if ('output' in answer) job?.resolve(answer.output)
    else job?.reject(new Error(answer.error))
    this.#next()
    clearTimeout(this.#ending)
    this.#ending = setTimeout(() => this.#endIdle(), this.#idleMs).unref()
  }

  #endIdle(): void {
    for (const worker of this.#idle.splice(0)) {
      this.#jobs.delete(worker)
      worker.terminate()
    }
  }

  #lost(worker: Worker, error: Error): void {
    if (!this.#jobs.has(worker)) return
    const job = this.#jobs.get(worker)
    this.#jobs.delete(worker)
    const at = this.#idle.indexOf(worker)
    if (at !== -1) this.#idle.splice(at, 1)
    job?.reject(error)
    this.#next()
  }
}

/** The other end: answers each message with what `work` makes of it. */
export const serveWork = <Input, Output>(work: (input: Input) => Output): void => {
  const port = parentPort
  if (port === null) throw new Error('this runs in a thread of a WorkerPool')
  port.on('message', (input: Input) => {
    let answer: Answer<Output>
    try {
      answer = { output: work(input) }
    } catch (error) {
      answer = { error: error instanceof Error ? error.message : String(error) }
    }
    port.postMessage(answer)
  })
}
