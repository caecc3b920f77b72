import { parentPort, Worker } from 'node:worker_threads'

interface Job<Input, Output> {
  readonly input: Input
  resolve(output: Output): void
  reject(error: Error): void
}

type Answer<Output> = { readonly output: Output } | { readonly error: string }

/**
 * A few threads that run one pure function over values that can be cloned. They start when they are needed, take one job
 * at a time, keep the process alive only while they work, and are replaced if they die.
 */
export class WorkerPool<Input, Output> {
  readonly #file: URL
  readonly #threads: number
  readonly #idle: Worker[] = []
  readonly #waiting: Job<Input, Output>[] = []
  #started = 0

  constructor(file: URL, options: { readonly threads: number }) {
    this.#file = file
    this.#threads = options.threads
  }

  /** Runs the function in one of the threads. Throws what it throws, as an `Error` with the same message. */
  run(input: Input): Promise<Output> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ input, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    const worker = this.#idle.pop() ?? (this.#started < this.#threads ? this.#start() : undefined)
    if (worker === undefined) return
    const job = this.#waiting.shift()
    if (job === undefined) {
      this.#idle.push(worker)
      return
    }
    this.#give(worker, job)
  }

  #start(): Worker {
    this.#started += 1
    return new Worker(this.#file)
  }

  #give(worker: Worker, job: Job<Input, Output>): void {
    const settled = (): void => {
      worker.removeAllListeners()
      worker.unref()
    }
    worker.ref()
    worker.once('message', (answer: Answer<Output>) => {
      settled()
      this.#idle.push(worker)
      // A thread that dies with nothing to do is missed by nobody, but must not be given work.
      worker.once('exit', () => this.#lost(worker))
      worker.once('error', () => undefined)
      if ('output' in answer) job.resolve(answer.output)
      else job.reject(new Error(answer.error))
      if (this.#waiting.length > 0) this.#next()
    })
    const failed = (error: Error): void => {
      settled()
      this.#started -= 1
      job.reject(error)
      if (this.#waiting.length > 0) this.#next()
    }
    worker.removeAllListeners('exit')
    worker.once('error', failed)
    worker.once('exit', () => failed(new Error('the thread ended')))
    worker.postMessage(job.input)
  }

  #lost(worker: Worker): void {
    const at = this.#idle.indexOf(worker)
    if (at === -1) return
    this.#idle.splice(at, 1)
    this.#started -= 1
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
