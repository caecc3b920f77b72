import type { Clock } from '../../../../core/clock.ts'
import type { PendingRoom } from '../../../../storage/federation/outbox-reader.ts'
import type { RoomReaders } from '../../../../storage/rooms/index.ts'
import type { Recipients } from './recipients.ts'

/** A part of a room that a server is to get. */
type Greeting = PendingRoom & { readonly server: string }

/**
 * "When a new server joins the room, existing servers MUST attempt to push all of their own sticky events" (MSC4354):
 * finds who has come into rooms in which users of this server have such.
 */
export class Newcomers {
  readonly #read: RoomReaders
  readonly #recipients: Recipients
  readonly #clock: Clock

  constructor(parts: { read: RoomReaders; recipients: Recipients; clock: Clock }) {
    this.#read = parts.read
    this.#recipients = parts.recipients
    this.#clock = parts.clock
  }

  /** What servers are to get that came in after one position up to another. Where nothing is sticky, nothing is read. */
  async greetings(after: number, upTo: number): Promise<Greeting[]> {
    const { sticky, state } = this.#read
    const now = this.#clock.now()
    const live = await sticky.live(now)
    if (live.size === 0) return []
    const greetings: Greeting[] = []
    for (const roomNid of await state.changedRooms([...live.keys()], 'm.room.member', { after, upTo })) {
      const span = await sticky.ownSpan(roomNid, now)
      if (span === undefined) continue
      const servers = await this.#recipients.cameIn(roomNid, after, upTo)
      greetings.push(...servers.map(server => ({ ...span, server })))
    }
    return greetings
  }
}
