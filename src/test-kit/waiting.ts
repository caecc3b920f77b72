/** So long (ms) something may take before it is told what is waited for; a test that hangs ends later than that. */
const PATIENCE_MS = 60_000
const LOOK_EVERY_MS = 10_000

interface Wait {
  readonly what: string
  readonly since: number
  /** Where the test has asked for it. */
  readonly from: Error
  isTold: boolean
}

/**
 * What is waited for, so that a run which stands still tells: the runner knows no more than the title of the test that has not ended.
 * Times are real ones.
 */
export class Waits {
  readonly #tell: (text: string) => void
  readonly #now: () => number
  readonly #open = new Set<Wait>()
  /** Describe what may be the matter. */
  readonly #states = new Set<() => Promise<string>>()

  constructor(tell: (text: string) => void, now: () => number) {
    this.#tell = tell
    this.#now = now
  }

  /** The same as the promise; as long as it is pending, `what` is waited for. */
  async for<T>(what: string, promise: Promise<T>): Promise<T> {
    const wait = { what, since: this.#now(), from: new Error(what), isTold: false }
    this.#open.add(wait)
    try {
      return await promise
    } finally {
      this.#open.delete(wait)
    }
  }

  /** Has `state` told with what is waited for in vain, until the answer is called. */
  describe(state: () => Promise<string>): () => void {
    this.#states.add(state)
    return () => this.#states.delete(state)
  }

  /** Tells of what has become overdue, once, and in what state everything is. */
  async look(): Promise<void> {
    const now = this.#now()
    const overdue = [...this.#open].filter(({ since, isTold }) => !isTold && now - since >= PATIENCE_MS)
    if (overdue.length === 0) return
    for (const wait of overdue) {
      wait.isTold = true
      const seconds = Math.round((now - wait.since) / 1_000)
      this.#tell(`waiting for ${seconds} s: ${wait.what}\n${placesOf(wait.from.stack)}`)
    }
    await this.tellState()
  }

  /** Tells in what state everything is. */
  async tellState(): Promise<void> {
    for (const state of this.#states)
      this.#tell(await state().catch(error => `its state could not be read: ${error}`))
  }
}

const ROOT = new URL('../..', import.meta.url).href

/** Where in the tests an error was made, by its stack; everywhere if that is nowhere. `root` is where the project lies. */
export const placesOf = (stack = '', root = ROOT): string => {
  const lines = stack.split('\n').slice(1)
  const inTests = lines.filter(line =>
    ['.test.ts:', `${root}federation-tests/`, `${root}scripts/`].some(place => line.includes(place)),
  )
  return (inTests.length > 0 ? inTests : lines).join('\n')
}

let waits: Waits | undefined

/** Those of this process. */
const shared = (): Waits => {
  if (waits === undefined) {
    const made = new Waits(text => console.error(text), Date.now)
    setInterval(() => void made.look(), LOOK_EVERY_MS).unref()
    waits = made
  }
  return waits
}

/** The same as the promise. When it takes too long, the output of the tests tells so. */
export const waitingFor = <T>(what: string, promise: Promise<T>): Promise<T> => shared().for(what, promise)

/** Tells, in the output of the tests, in what state everything is: for whoever has waited in vain. */
export const tellState = (): Promise<void> => shared().tellState()

/** Adds to that in what state something is; answers how to stop that. */
export const describingStalls = (state: () => Promise<string>): (() => void) => shared().describe(state)
