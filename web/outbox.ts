import { type Api, ApiError, list, path, text } from './api.ts'
import { keep, kept } from './kept.ts'
import type { Store } from './store.ts'
import { words } from './words.ts'

/** A message of the user that the server has not taken yet. */
export interface Unsent {
  readonly roomId: string
  readonly transactionId: string
  readonly body: string
  /** Why the server does not take it; `undefined` while it may yet. */
  readonly problem?: string | undefined
}

const NAME = 'unsent'
const MAX_PAUSE_MS = 15_000

/** Whether the same request may succeed later: the server was not reached, or could not do it just now. */
const mayPass = (error: unknown): boolean =>
  !(error instanceof ApiError) || error.status >= 500 || error.errcode === 'M_LIMIT_EXCEEDED'

/**
 * Sends messages: those to a room one after the other, in their order, whatever becomes of those to others. Each stays
 * until the server has taken it, however long that is away and whether or not the page is loaded anew; one that it refuses
 * stays until the user decides.
 */
export class Outbox {
  readonly #api: Api
  readonly #store: Store
  #unsent: readonly Unsent[]
  /** The rooms that something is being sent to, with what ends a pause there. */
  readonly #sending = new Map<string, () => void>()

  constructor(api: Api, store: Store) {
    this.#api = api
    this.#store = store
    this.#unsent = list(kept(NAME, store.userId)).map(each => ({
      roomId: text(each['roomId']) ?? '',
      transactionId: text(each['transactionId']) ?? '',
      body: text(each['body']) ?? '',
      problem: text(each['problem']),
    }))
  }

  /** What waits to be said in a room, in the order in which it was written. */
  of(roomId: string): readonly Unsent[] {
    const seen = new Set(this.#store.rooms.get(roomId)?.events.map(event => event.transactionId))
    return this.#unsent.filter(each => each.roomId === roomId && !seen.has(each.transactionId))
  }

  /** Whether anything would be lost by an end of the session. */
  get isEmpty(): boolean {
    return this.#unsent.length === 0
  }

  add(roomId: string, body: string): void {
    this.#change([...this.#unsent, { roomId, transactionId: this.#api.transactionId(), body }])
    this.resume()
  }

  /** Tries a message again that was refused. It is the same message: where it was taken after all, it is not said twice. */
  again({ transactionId }: Unsent): void {
    this.#replace(transactionId, each => ({ ...each, problem: undefined }))
    this.resume()
  }

  discard({ transactionId }: Unsent): void {
    this.#change(this.#unsent.filter(each => each.transactionId !== transactionId))
  }

  /** Goes on at once with what waits, such as when the server is back. */
  resume(): void {
    for (const roomId of new Set(this.#unsent.map(each => each.roomId))) {
      const wake = this.#sending.get(roomId)
      if (wake === undefined) void this.#sendAll(roomId)
      else wake()
    }
  }

  async #sendAll(roomId: string): Promise<void> {
    this.#sending.set(roomId, () => undefined)
    let failures = 0
    for (;;) {
      const next = this.#unsent.find(each => each.roomId === roomId && each.problem === undefined)
      if (next === undefined) break
      try {
        await this.#send(next)
        this.discard(next)
        failures = 0
      } catch (error) {
        if (mayPass(error)) await this.#pause(roomId, Math.min(MAX_PAUSE_MS, 500 * 2 ** failures++))
        else
          this.#replace(next.transactionId, each => ({ ...each, problem: String((error as Error).message) }))
      }
    }
    this.#sending.delete(roomId)
  }

  async #send({ roomId, transactionId, body }: Unsent): Promise<void> {
    // Meanwhile the room may have become one in which nothing is said in clear: the poll has to tell first.
    if (this.#store.trouble !== undefined) throw new Error(this.#store.trouble)
    if (this.#store.rooms.get(roomId)?.isEncrypted === true)
      throw new ApiError(403, { error: words.room.cannotRead })
    const answer = await this.#api.put(path`/rooms/${roomId}/send/m.room.message/${transactionId}`, {
      msgtype: 'm.text',
      body,
    })
    // What answers in the server's place, such as the page of a hotel's network, has not taken it.
    if (text(answer['event_id']) === undefined) throw new Error(words.notReached)
  }

  #pause(roomId: string, ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#sending.set(roomId, resolve)
      setTimeout(resolve, ms)
    })
  }

  #replace(transactionId: string, change: (unsent: Unsent) => Unsent): void {
    this.#change(this.#unsent.map(each => (each.transactionId === transactionId ? change(each) : each)))
  }

  #change(unsent: readonly Unsent[]): void {
    this.#unsent = unsent
    keep(NAME, this.#store.userId, unsent)
    this.#store.changed()
  }
}
