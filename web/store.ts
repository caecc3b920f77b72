import { type Json, list, object, text } from './api.ts'
import { localpart, visible } from './names.ts'
import { type Occasion, occasionOf } from './occasion.ts'
import { readUpTo } from './read-up-to.ts'
import { Room, roomEvent } from './room.ts'

/** Somebody asks the user into a room. */
export interface Invitation {
  readonly roomId: string
  readonly room: Room
  readonly inviter: string
  readonly inviterName: string
  readonly comment: string
  readonly occasion: Occasion | undefined
  readonly expiresTs: number | undefined
}

/** Something that waits for the user until they act on it (docs/extensions.md, "Notifications"). */
export interface Notification {
  readonly id: string
  readonly kind: string
  /** It tells that something could not be done. */
  readonly isFailure: boolean
  readonly roomId: string | undefined
  readonly roomName: string
  readonly sender: string
  readonly senderName: string
  readonly preview: string
  readonly count: number
  readonly ts: number
}

/** Everything that the client knows. Sync responses change it; whoever watches it is told. */
export class Store {
  readonly userId: string
  readonly rooms = new Map<string, Room>()
  /** The newest first. */
  invitations: ReadonlyMap<string, Invitation> = new Map()
  readonly notifications = new Map<string, Notification>()
  /** Of notifications, those that were not fetched included. */
  total = 0
  /** Whether the server has said yet what there is. */
  isLoaded = false
  /** Why there is no connection; `undefined` while there is one. */
  trouble: string | undefined
  selected: string | undefined
  /** The open room, out of which others have put the user before their eyes. */
  lost: { readonly name: string; readonly by: string; readonly reason: string } | undefined
  readonly #watchers = new Set<() => void>()

  constructor(userId: string) {
    this.userId = userId
  }

  get room(): Room | undefined {
    return this.selected === undefined ? undefined : this.rooms.get(this.selected)
  }

  /** The rooms that the user is in, those with the newest events first; but for what has been replaced by another of them. */
  get joined(): Room[] {
    return [...this.rooms.values()]
      .filter(room => room.membership === 'join' && !this.rooms.has(room.successor ?? ''))
      .sort((a, b) => b.lastTs - a.lastTs)
  }

  /** Answers how to end it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  changed(): void {
    for (const watcher of this.#watchers) watcher()
  }

  select(roomId: string | undefined): void {
    if (roomId !== this.selected) this.room?.trim()
    this.lost = undefined
    this.selected = roomId
    this.changed()
  }

  /** Takes in a sync response. */
  update(response: Json): void {
    const rooms = object(response['rooms'])
    for (const [roomId, section] of Object.entries(object(rooms['join']))) {
      const room = this.rooms.get(roomId) ?? new Room(roomId)
      this.rooms.set(roomId, room)
      room.membership = 'join'
      room.update(object(section))
      room.readUpTo = readUpTo(object(object(section)['ephemeral']), this.userId) ?? room.readUpTo
      if (roomId !== this.selected) room.trim()
    }
    const gone = new Set([...Object.keys(object(rooms['join'])), ...Object.keys(object(rooms['leave']))])
    const fresh = Object.entries(object(rooms['invite'])).map(
      ([roomId, section]) => [roomId, invitationOf(roomId, object(section), this.userId)] as const,
    )
    const kept = [...this.invitations].filter(([roomId]) => !gone.has(roomId))
    this.invitations = new Map([...fresh, ...kept, ...fresh])
    for (const [roomId, section] of Object.entries(object(rooms['leave']))) {
      if (roomId === this.selected) this.#lose(object(section))
      this.rooms.delete(roomId)
    }
    this.#notify(object(response['chat.tessera.notifications']))
    this.isLoaded = true
    this.changed()
  }

  /** The open room is gone; the reader is told unless they have left it themselves. */
  #lose(section: Json): void {
    const { room, userId } = this
    const events = list(object(section['timeline'])['events']).map(roomEvent)
    const end = events.findLast(({ type, stateKey }) => type === 'm.room.member' && stateKey === userId)
    if (room !== undefined && end !== undefined && end.sender !== userId)
      this.lost = {
        name: room.nameFor(userId),
        by: room.nameOf(end.sender),
        reason: visible(end.content['reason']) ?? '',
      }
    this.selected = undefined
  }

  #notify({ items, removed, total, reset }: Json): void {
    if (reset === true) this.notifications.clear()
    for (const item of list(items)) {
      const notification = notificationOf(item)
      this.notifications.set(notification.id, notification)
    }
    for (const id of Array.isArray(removed) ? removed : []) this.notifications.delete(String(id))
    if (total !== undefined) this.total = Number(total)
  }
}

const invitationOf = (roomId: string, section: Json, userId: string): Invitation => {
  const room = new Room(roomId)
  room.membership = 'invite'
  let own: Json = {}
  for (const event of list(object(section['invite_state'])['events'])) {
    room.setState(text(event['type']) ?? '', text(event['state_key']) ?? '', object(event['content']))
    if (event['type'] === 'm.room.member' && event['state_key'] === userId) own = event
  }
  const content = object(own['content'])
  const inviter = text(own['sender']) ?? ''
  const { expires_ts: expires } = object(content['chat.tessera.invitation'])
  return {
    roomId,
    room,
    inviter,
    inviterName: room.nameOf(inviter),
    comment: text(content['reason']) ?? '',
    occasion: occasionOf(content),
    expiresTs: typeof expires === 'number' ? expires : undefined,
  }
}

const notificationOf = (item: Json): Notification => {
  const room = object(item['room'])
  const sender = object(item['sender'])
  const content = object(object(item['event'])['content'])
  const senderId = text(sender['user_id']) ?? ''
  const failure = text(object(item['failure'])['error'])
  return {
    id: text(item['id']) ?? '',
    kind: text(item['kind']) ?? '',
    isFailure: failure !== undefined,
    roomId: text(room['room_id']) ?? text(item['room_id']),
    roomName: visible(room['name']) ?? '',
    sender: senderId,
    senderName: visible(sender['display_name']) ?? localpart(senderId),
    preview: text(content['body']) ?? text(item['comment']) ?? failure ?? '',
    count: Number(item['count'] ?? 1),
    ts: Number(item['created_ts'] ?? 0),
  }
}
