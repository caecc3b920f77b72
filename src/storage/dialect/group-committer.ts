import { type CommitResult, DatabaseUnavailable, type WriteSet } from '../database.ts'

/** A write set on its way, and whom to tell. */
export interface Waiting {
  readonly set: WriteSet
  resolve(result: CommitResult): void
  reject(error: unknown): void
}

/** Tells those whose sets are stored, for their caches: before the streams move, and before they are answered. */
export const tellStored = (group: readonly Waiting[], outcomes: readonly (CommitResult | Error)[]): void => {
  for (const [index, { set }] of group.entries()) {
    const outcome = outcomes[index]
    if (outcome !== undefined && !(outcome instanceof Error) && outcome.ok) set.onStored?.(outcome)
  }
}

/** Answers those who wait for their sets. */
export const settle = (group: readonly Waiting[], outcomes: readonly (CommitResult | Error)[]): void => {
  for (const [index, waiting] of group.entries()) {
    const outcome = outcomes[index]
    if (outcome === undefined) throw new Error('a write set was left without an outcome')
    if (outcome instanceof Error) waiting.reject(outcome)
    else waiting.resolve(outcome)
  }
}

/** Told what commits come to. */
export interface CommitMeter {
  /** So many sets were committed together, which took so long. */
  committed(sets: number, milliseconds: number): void
  /** A set could not be committed; those that failed by a guard are none of them. */
  failed(error: unknown): void
}

export interface GroupOptions {
  /** The most sets that share one commit. */
  readonly cap: number
  /** How many groups may be on their way at once. */
  readonly inFlight: number
  /** Whether a set that finds nothing in flight waits for what else comes in this turn of the event loop. */
  readonly gathers: boolean
  /**
   * So many sets do not wait for the end of the turn, where whoever commits has a thread of its own: in a turn that brings a whole
   * round of clients' requests it would be idle until the last of them is judged.
   */
  readonly enough?: number
  /**
   * Commits a group in order and settles each of its sets; answers how many sets shared the commit, or 0 if that was another
   * group's to tell. What it throws rejects the sets not yet settled.
   */
  commit(group: readonly Waiting[]): Promise<number>
  readonly meter?: CommitMeter | undefined
}

/**
 * Group commit: sets that arrive while a commit is in flight share the next one. A set that finds nothing in flight
 * goes with whatever else is queued by then.
 */
export class GroupCommitter {
  readonly #options: GroupOptions
  #queue: Waiting[] = []
  #inFlight = 0
  #scheduled = false
  #closed = false
  #drained: (() => void) | undefined

  constructor(options: GroupOptions) {
    this.#options = options
  }

  /** Queues a set; settles when its group is on disk or refused. */
  add(set: WriteSet): Promise<CommitResult> {
    if (this.#closed) return Promise.reject(new DatabaseUnavailable('the database is closed'))
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        this.#options.meter?.failed(error)
        reject(error)
      }
      this.#queue.push({ set, resolve, reject: fail })
      if (this.#queue.length >= (this.#options.enough ?? Infinity)) this.#send()
      else this.#schedule()
    })
  }

  /** Takes no more sets; resolves when all that were taken are settled. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#inFlight === 0 && this.#queue.length === 0) return
    await new Promise<void>(resolve => {
      this.#drained = resolve
    })
  }

  /**
   * Idle: at the end of the current microtasks, since a waiting client's latency is all there is, unless a group costs so much
   * that one alone is better avoided. With a group in flight: after the callbacks of this turn, so that the next one
   * gathers what they bring.
   */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= this.#options.inFlight) return
    this.#scheduled = true
    const send = () => {
      this.#scheduled = false
      this.#send()
    }
    if (this.#inFlight === 0 && !this.#options.gathers) queueMicrotask(send)
    else setImmediate(send)
  }

  #send(): void {
    while (this.#queue.length > 0 && this.#inFlight < this.#options.inFlight) {
      const group = this.#queue.splice(0, this.#options.cap)
      const begun = performance.now()
      this.#inFlight += 1
      this.#options
        .commit(group)
        .then(
          shared => {
            if (shared > 0) this.#options.meter?.committed(shared, performance.now() - begun)
          },
          (error: unknown) => {
            for (const waiting of group) waiting.reject(error)
          },
        )
        .finally(() => {
          this.#inFlight -= 1
          if (this.#queue.length > 0) this.#schedule()
          else if (this.#inFlight === 0) this.#drained?.()
        })
    }
  }
}
