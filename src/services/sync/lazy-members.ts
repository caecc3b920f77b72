import { cacheLimit, countCache } from '../../core/caches.ts'

interface Sent {
  readonly nid: number
  /** Where the response that carried it ended: a device that asks on from there has got it. */
  readonly upTo: number
}

interface Device {
  /** By room nid and user ID. */
  readonly rooms: Map<number, Map<string, Sent>>
  count: number
}

/**
 * Which member events devices have been sent, so that lazy loading need not repeat them ("redundant" members, client-
 * server API, "Lazy-loading room members"). A cache: what is forgotten is sent again.
 */
export class SentMembers {
  readonly #max: number
  /** By device, the one that synced longest ago first. */
  readonly #devices = new Map<string, Device>()
  #count = 0

  constructor(options: { max?: number } = {}) {
    this.#max = options.max ?? cacheLimit('lazy_members')
    countCache('lazy_members', this)
  }

  /** Member events remembered as sent, over all devices; beyond the bound the device that synced longest ago starts afresh. */
  get held(): number {
    return this.#count
  }

  /**
   * Whether a device has a user's member event, as far as it has acknowledged responses.
   *
   * @param since the position in its token: responses that ended later may have been lost on their way
   */
  has(device: string, roomNid: number, member: { userId: string; nid: number }, since: number): boolean {
    const sent = this.#devices.get(device)?.rooms.get(roomNid)?.get(member.userId)
    return sent !== undefined && sent.nid === member.nid && sent.upTo <= since
  }

  /** Where the response ended that told a device of a user in a room, if the device has got it; `has` without the event. */
  toldAt(device: string, roomNid: number, userId: string, since: number): number | undefined {
    const sent = this.#devices.get(device)?.rooms.get(roomNid)?.get(userId)
    return sent !== undefined && sent.upTo <= since ? sent.upTo : undefined
  }

  /** The member events of a room that a device was sent, whether or not it has got them: nids by user ID. */
  ofRoom(device: string, roomNid: number): Map<string, number> {
    const sent = this.#devices.get(device)?.rooms.get(roomNid) ?? []
    return new Map([...sent].map(([userId, { nid }]) => [userId, nid]))
  }

  /** Remembers that a response which ends at `upTo` carries these. */
  remember(
    device: string,
    roomNid: number,
    members: Iterable<{ userId: string; nid: number }>,
    upTo: number,
  ): void {
    const known = this.#devices.get(device) ?? { rooms: new Map(), count: 0 }
    this.#devices.delete(device)
    this.#devices.set(device, known)
    const room = known.rooms.get(roomNid) ?? new Map<string, Sent>()
    known.rooms.set(roomNid, room)
    const before = room.size
    for (const { userId, nid } of members) {
      const told = room.get(userId)
      // The earlier response counts as long as it was the same event.
      if (told === undefined || told.nid !== nid || told.upTo > upTo) room.set(userId, { nid, upTo })
    }
    known.count += room.size - before
    this.#count += room.size - before
    for (const [oldest] of this.#devices) {
      if (this.#count <= this.#max) break
      this.forget(oldest)
    }
  }

  /**
   * No longer counts on what a device has of a room, as when it is told all of its state anew: it may have kept nothing, as
   * after leaving the room and forgetting it. It may have kept all as well: `ofRoom` goes on knowing it.
   */
  doubtRoom(device: string, roomNid: number): void {
    const room = this.#devices.get(device)?.rooms.get(roomNid)
    for (const [userId, { nid }] of room ?? []) room?.set(userId, { nid, upTo: Number.MAX_SAFE_INTEGER })
  }

  /** Forgets a device, as when it starts from scratch. */
  forget(device: string): void {
    this.#count -= this.#devices.get(device)?.count ?? 0
    this.#devices.delete(device)
  }
}
