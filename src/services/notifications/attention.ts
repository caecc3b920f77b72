import type { Inbox } from './inbox.ts'
import { notificationId } from './subjects.ts'

/** Somebody asks for somebody else's attention in a room that both are in. */
export interface AttentionRequest {
  readonly asked: string
  readonly by: string
  readonly roomId: string
  /** When it was asked; milliseconds since 1970. */
  readonly ts: number
}

/** Requests for attention: of each room, one waits for a user at most. */
export class Attention {
  readonly #inbox: Inbox

  constructor(inbox: Inbox) {
    this.#inbox = inbox
  }

  /** Answers whether the request waits now. One that waits already stays as it is, however often it is repeated. */
  async request({ asked, by, roomId, ts }: AttentionRequest): Promise<boolean> {
    const id = notificationId(asked, { about: 'request', roomId })
    const before = await this.#inbox.read.one(asked, id)
    if (before?.removal === 'waiting' && before.sender === by) return true
    return this.#inbox.raise({
      ...{ userId: asked, id, kind: 'conversation_requested', roomId, sender: by, ts },
      ...{ eventId: undefined, eventPosition: undefined, count: 1, details: {} },
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
