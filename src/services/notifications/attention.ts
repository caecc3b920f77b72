import type { Clock } from '../../core/clock.ts'
import type { Inbox } from './inbox.ts'
import { ASKED_AT, type VisitStream } from './read-by.ts'
import { notificationId } from './subjects.ts'

/** Somebody asks for somebody else's attention in a room that both are in. */
export interface AttentionRequest {
  readonly asked: string
  readonly by: string
  readonly roomId: string
  /** When it was asked; milliseconds since 1970. */
  readonly ts: number
}

/** Nobody waits longer (ms) for what was done before, as when a large database is followed for the first time. */
const MAX_WAIT_MS = 5_000

/** Requests for attention: of each room, one waits for a user at most. */
export class Attention {
  readonly #inbox: Inbox
  readonly #clock: Clock
  readonly #caughtUp: () => Promise<void>
  readonly #position: (stream: VisitStream) => number

  constructor(parts: {
    inbox: Inbox
    clock: Clock
    /** Resolves once everything that is stored now has been followed. */
    caughtUp: () => Promise<void>
    /** Where a stream stands now. */
    position: (stream: VisitStream) => number
  }) {
    this.#inbox = parts.inbox
    this.#clock = parts.clock
    this.#caughtUp = parts.caughtUp
    this.#position = parts.position
  }

  /** Has a request wait, unless the one who is asked ignores who asks. One that waits already stays as it is, however often it is repeated. */
  async request({ asked, by, roomId, ts }: AttentionRequest): Promise<void> {
    // What they did in the room before is followed first: later it would pass for an answer to this.
    const given = new AbortController()
    const tooLong = this.#clock.sleep(MAX_WAIT_MS, given.signal).catch(() => undefined)
    await Promise.race([this.#caughtUp(), tooLong])
    given.abort()
    const id = notificationId(asked, { about: 'request', roomId })
    const before = await this.#inbox.read.one(asked, id)
    if (before?.removal === 'waiting' && before.sender === by) return
    const askedAt = { events: this.#position('events'), receipts: this.#position('receipts') }
    await this.#inbox.raise({
      ...{ userId: asked, id, kind: 'conversation_requested', roomId, sender: by, ts },
      ...{ eventId: undefined, eventPosition: undefined, count: 1, details: { [ASKED_AT]: askedAt } },
    })
  }

  /** Somebody has been in a room: whoever asked for them there has been heard. */
  async visited(userId: string, roomId: string): Promise<void> {
    await this.#inbox.settle(userId, notificationId(userId, { about: 'request', roomId }))
  }

  /** Takes a request back. Answers whether it had waited. */
  async withdraw({ asked, by, roomId }: Omit<AttentionRequest, 'ts'>): Promise<boolean> {
    const id = notificationId(asked, { about: 'request', roomId })
    const before = await this.#inbox.read.one(asked, id)
    return before?.sender === by && this.#inbox.settle(asked, id)
  }
}
