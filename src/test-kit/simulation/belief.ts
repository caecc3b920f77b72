/** What a client holds to be so: all that it was told, in whichever dialect, put together as the specification asks. */

/** Events, and parts of them, as clients are told. */
// biome-ignore lint/suspicious/noExplicitAny: tests narrow it by what they expect
export type Body = any

/** A room that a client is in, as it was told. */
export interface FollowedRoom {
  /** Event IDs in the order in which they were shown, since the client has begun or something was left out. */
  timeline: string[]
  /** Event IDs by type and state key. */
  readonly state: Map<string, string>
  /** Event IDs by who has read up to them. */
  readonly receipts: Map<string, string>
  typing: string[]
  /** How many are in it. */
  joinedCount: number | undefined
  unread: Unread | undefined
  /** What it is called; by `/sync` clients find that out themselves. */
  name: string | undefined
  /** The room that has replaced it. */
  successor: string | undefined
}

/** `unread_notifications`. */
export interface Unread {
  readonly notification_count: number
  readonly highlight_count: number
}

/** What one device of an account believes. */
export class Belief {
  readonly rooms = new Map<string, FollowedRoom>()
  /** Rooms to which it is invited. */
  readonly invitations = new Set<string>()
  /** Events that it was shown more than once. */
  readonly doubled: string[] = []
  /** Account data as JSON, by room ID (empty for what is of no room) and type. */
  readonly settings = new Map<string, string>()
  /** Who is there, as `presence status`. */
  readonly presence = new Map<string, string>()
  /** The numbers of messages for the device, by who sent them. */
  readonly messages = new Map<string, number[]>()
  /** The marks on messages for devices, in the order in which they came. */
  readonly marks: number[] = []
  /** How many keys for single use its server says are left. */
  oneTimeKeys = 0
  /** User → devices as they were last answered. */
  readonly devices = new Map<string, unknown>()
  /** Those of whom it knows that their devices may have changed since. */
  readonly outdated = new Set<string>()

  /** A room that the client is in; begins to follow it. */
  room(roomId: string): FollowedRoom {
    const room: FollowedRoom = this.rooms.get(roomId) ?? {
      ...{ timeline: [], state: new Map(), receipts: new Map(), typing: [] },
      ...{ joinedCount: undefined, unread: undefined, name: undefined, successor: undefined },
    }
    this.rooms.set(roomId, room)
    this.invitations.delete(roomId)
    return room
  }

  /** A room that the client is not in. */
  notIn(roomId: string, membership: string): void {
    this.rooms.delete(roomId)
    if (membership === 'invite') this.invitations.add(roomId)
    else this.invitations.delete(roomId)
  }

  /** What was said while it did not look, nobody tells of now: neither of devices nor of rooms that are left. */
  beginAnew(): void {
    this.rooms.clear()
    this.invitations.clear()
    this.settings.clear()
    this.presence.clear()
    for (const userId of this.devices.keys()) this.outdated.add(userId)
  }

  /** Events at the end of a room's timeline. With `anew` there may be some between these and those before. */
  takeTimeline(room: FollowedRoom, events: readonly Body[], { anew }: { anew: boolean }): void {
    if (anew) room.timeline = []
    for (const { event_id: eventId } of events) {
      if (room.timeline.includes(eventId)) this.doubled.push(eventId)
      room.timeline.push(eventId)
    }
  }

  /** Without an event ID nothing is set there any more. */
  takeState(room: FollowedRoom, events: readonly Body[] = []): void {
    for (const { type, state_key: key, event_id: eventId, content } of events) {
      if (type === 'm.room.tombstone') room.successor = content?.replacement_room
      if (eventId === undefined) room.state.delete(`${type} ${key}`)
      else room.state.set(`${type} ${key}`, eventId)
    }
  }

  /** What is not part of a room's history. */
  takeEphemeral(room: FollowedRoom, events: readonly Body[] = []): void {
    for (const { type, content } of events) {
      if (type === 'm.typing') room.typing = content.user_ids
      if (type !== 'm.receipt') continue
      for (const [eventId, receipts] of Object.entries<Body>(content))
        for (const userId of Object.keys(receipts['m.read'] ?? {})) room.receipts.set(userId, eventId)
    }
  }

  /** Messages for the device. */
  takeMessages(events: readonly Body[] = []): void {
    for (const { sender, content } of events) {
      if (content.mark !== undefined) this.marks.push(content.mark)
      else this.messages.set(sender, [...(this.messages.get(sender) ?? []), content.n])
    }
  }

  takeSettings(roomId: string, events: readonly Body[] = []): void {
    for (const { type, content } of events) this.settings.set(`${roomId} ${type}`, JSON.stringify(content))
  }

  takePresence(events: readonly Body[] = []): void {
    for (const { sender, content } of events)
      this.presence.set(sender, `${content.presence} ${content.status_msg ?? ''}`)
  }

  /** Without counts they are as they were. */
  takeKeyCounts(counts: Body): void {
    if (counts !== undefined) this.oneTimeKeys = counts.signed_curve25519 ?? 0
  }

  takeDeviceLists(lists: Body): void {
    for (const userId of lists?.changed ?? []) if (this.devices.has(userId)) this.outdated.add(userId)
    for (const userId of lists?.left ?? []) this.devices.delete(userId)
  }
}
