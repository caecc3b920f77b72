import { createCallRate } from '../../../core/call-rate.ts'
import type { RoomEvent } from '../../../core/event/event.ts'
import { serverNameOf } from '../../../core/ids.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'

/** Beside the sender of an event and the server that made it, so many others of the room are asked. */
const MAX_OTHERS = 3
/** Of events of one sender: nobody is to make us ask all the world for what does not exist. */
const OTHERS_ASKED = { perSecond: 1 / 10, burst: 20 }
const MAX_SENDERS = 10_000

/** Whom to ask for what an event needs. */
export class WhomToAsk {
  readonly #writer: RoomWriter
  readonly #rate = createCallRate(OTHERS_ASKED, MAX_SENDERS)
  #turn = 0

  constructor(writer: RoomWriter) {
    this.#writer = writer
  }

  /** Who most likely knows: the server that sent it, the one that made it. */
  nearest(origin: string, { sender }: RoomEvent): string[] {
    const own = this.#writer.context.serverName
    return [...new Set([origin, serverNameOf(sender)])].filter(server => server !== own)
  }

  /** Who may know as well, once those do not help: some that are in the room, of many each time others, as the first may all be gone. */
  async others(origin: string, event: RoomEvent): Promise<string[]> {
    const { context } = this.#writer
    if (this.#rate(origin, context.clock.now()) > 0) return []
    const hosts = (await this.#writer.head(event.roomId))?.joinedHosts() ?? []
    const asked = new Set([context.serverName, ...this.nearest(origin, event)])
    const others = hosts.filter(host => !asked.has(host))
    if (others.length <= MAX_OTHERS) return others
    const from = (this.#turn++ * MAX_OTHERS) % others.length
    return [...others.slice(from), ...others.slice(0, from)].slice(0, MAX_OTHERS)
  }
}
