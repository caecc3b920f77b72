import { type Json, list, object, text } from './api.ts'
import { localpart, Names, visible } from './names.ts'
import { words } from './words.ts'

/** An event as the client-server API has it. */
export interface RoomEvent {
  readonly id: string
  readonly type: string
  readonly sender: string
  readonly stateKey: string | undefined
  readonly ts: number
  readonly content: Json
  readonly isRedacted: boolean
  readonly transactionId: string | undefined
  /** Of state: what it was before. */
  readonly prevContent: Json
}

export const roomEvent = (event: Json): RoomEvent => ({
  id: text(event['event_id']) ?? '',
  type: text(event['type']) ?? '',
  sender: text(event['sender']) ?? '',
  stateKey: text(event['state_key']),
  ts: Number(event['origin_server_ts'] ?? 0),
  content: object(event['content']),
  isRedacted: 'redacted_because' in object(event['unsigned']),
  transactionId: text(object(event['unsigned'])['transaction_id']),
  prevContent: object(object(event['unsigned'])['prev_content']),
})

/** What may be sent in a room (docs/extensions.md, "What the media flags do"). */
export const MEDIA = ['text', 'audio', 'video', 'screenshare'] as const
export type Medium = (typeof MEDIA)[number]

/** Events that are kept of a room in which nobody reads back; older ones can be fetched again. */
const MAX_EVENTS = 400

/** One room: what of it is known to the client. */
export class Room {
  readonly id: string
  membership: 'join' | 'invite' | 'leave' = 'join'
  events: RoomEvent[] = []
  /** Where the history before `events` begins; `undefined` where there is none, or where that is not known. */
  before: string | undefined
  /** There are earlier events than `events`, which were known and are no longer. */
  isCut = false
  unread = 0
  highlights = 0
  typing: readonly string[] = []
  heroes: readonly string[] = []
  joinedCount: number | undefined
  /** The last event that the user has read, as far as that is known. */
  readUpTo: string | undefined
  /** Who made the room, as far as that is known. */
  creator: string | undefined
  /** How often somebody has come, gone, or been asked to come. */
  memberChanges = 0
  readonly #state = new Map<string, Map<string, Json>>()
  readonly #names = new Names()
  /** Edits by the event that they are of, and their own IDs. */
  readonly #edits = new Map<string, Map<string, RoomEvent>>()

  constructor(id: string) {
    this.id = id
  }

  state(type: string, stateKey = ''): Json {
    return this.#state.get(type)?.get(stateKey) ?? {}
  }

  has(type: string): boolean {
    return this.#state.get(type)?.has('') === true
  }

  setState(type: string, stateKey: string, content: Json): void {
    const ofType = this.#state.get(type) ?? new Map<string, Json>()
    this.#state.set(type, ofType)
    ofType.set(stateKey, content)
    if (type !== 'm.room.member') return
    if (content['membership'] === 'join' || content['membership'] === 'invite')
      this.#names.set(stateKey, content['displayname'])
    else this.#names.delete(stateKey)
  }

  get topic(): string {
    return text(this.state('m.room.topic')['topic']) ?? ''
  }

  /** What the room says may be sent in it; `undefined` where it says nothing of that. */
  get media(): readonly Medium[] | undefined {
    const { types } = this.state('chat.tessera.room.media')
    return Array.isArray(types) ? MEDIA.filter(medium => types.includes(medium)) : undefined
  }

  get isEncrypted(): boolean {
    return this.has('m.room.encryption')
  }

  /** The two who have this room to themselves; empty for other rooms. */
  get directUsers(): readonly string[] {
    const { users } = object(this.state('m.room.create')['chat.tessera.direct'])
    return Array.isArray(users) ? users.filter(user => typeof user === 'string') : []
  }

  /** The room that took this one's place. */
  get successor(): string | undefined {
    return text(this.state('m.room.tombstone')['replacement_room'])
  }

  /** Servers that people here are of. */
  get servers(): readonly string[] {
    const members = [...(this.#state.get('m.room.member') ?? [])].map(([member]) => member)
    return [...new Set(members.map(member => member.replace(/^[^:]*:/, '')))]
  }

  get hasEarlier(): boolean {
    return (this.before !== undefined || this.isCut) && this.events[0]?.type !== 'm.room.create'
  }

  get lastTs(): number {
    return this.events.at(-1)?.ts ?? 0
  }

  /** How somebody is called here; who has left, as they were called. */
  nameOf(userId: string): string {
    const { membership, displayname } = this.state('m.room.member', userId)
    const isGone = membership === 'leave' || membership === 'ban'
    return isGone ? (visible(displayname) ?? localpart(userId)) : this.#names.of(userId)
  }

  /** How the room is called (client-server API, "Calculating the display name for a room"). */
  nameFor(userId: string): string {
    const own =
      visible(this.state('m.room.name')['name']) ?? visible(this.state('m.room.canonical_alias')['alias'])
    if (own !== undefined) return own
    const others = this.others(userId)
    return others.length === 0 ? words.rooms.empty : others.map(other => this.nameOf(other)).join(', ')
  }

  /** Some of the others who are here, or were asked to be. */
  others(userId: string): readonly string[] {
    const heroes = this.heroes.filter(hero => hero !== userId)
    if (heroes.length > 0) return heroes
    const members = [...(this.#state.get('m.room.member') ?? [])]
    return members
      .filter(
        ([member, { membership }]) => member !== userId && (membership === 'join' || membership === 'invite'),
      )
      .map(([member]) => member)
      .slice(0, 5)
  }

  /**
   * What stands in the place of a message now: the newest of the edits by its sender (client-server API, "Event replacements"). What
   * others have others say counts for nothing, nor does what says nothing in its place.
   */
  editOf({ id, sender, type }: RoomEvent): Json | undefined {
    const valid = [...(this.#edits.get(id)?.values() ?? [])].filter(
      edit => edit.sender === sender && edit.type === type && 'm.new_content' in edit.content,
    )
    const newest = valid.sort((a, b) => b.ts - a.ts || (a.id < b.id ? 1 : -1))[0]
    return newest && object(newest.content['m.new_content'])
  }

  /** What people think of messages: for each of these, who has sent which key (client-server API, "Event annotations and reactions"). */
  reactions(): Map<string, Map<string, Set<string>>> {
    const all = new Map<string, Map<string, Set<string>>>()
    for (const { type, sender, content } of this.events) {
      const { event_id: target, key } = object(content['m.relates_to'])
      const shown = visible(key)
      if (type !== 'm.reaction' || typeof target !== 'string' || shown === undefined) continue
      const keys = all.get(target) ?? new Map<string, Set<string>>()
      all.set(target, keys.set(shown, (keys.get(shown) ?? new Set()).add(sender)))
    }
    return all
  }

  /** Takes in the room's part of a sync response. */
  update(section: Json): void {
    for (const event of list(object(section['state'])['events']).map(roomEvent)) this.#apply(event)
    const timeline = object(section['timeline'])
    const events = list(timeline['events']).map(roomEvent)
    if (timeline['limited'] === true) {
      this.events = []
      this.isCut = false
      this.before = text(timeline['prev_batch'])
    } else if (this.events.length === 0) this.before = text(timeline['prev_batch']) ?? this.before
    for (const event of events) this.#append(event)
    const summary = object(section['summary'])
    if (Array.isArray(summary['m.heroes'])) this.heroes = summary['m.heroes'] as string[]
    const joined = summary['m.joined_member_count']
    if (typeof joined === 'number') this.joinedCount = joined
    const counts = object(section['unread_notifications'])
    this.unread = Number(counts['notification_count'] ?? this.unread)
    this.highlights = Number(counts['highlight_count'] ?? this.highlights)
    for (const { type, content } of list(object(section['ephemeral'])['events'])) {
      if (type === 'm.typing') this.typing = (object(content)['user_ids'] ?? []) as string[]
    }
  }

  /** Puts a page of history before what is known. */
  prepend(events: readonly RoomEvent[], before: string | undefined): void {
    const known = new Set(this.events.map(({ id }) => id))
    for (const event of events) this.#noteEdit(event)
    this.events = [...events.filter(({ id }) => !known.has(id)).toReversed(), ...this.events]
    this.before = before
    this.isCut = false
  }

  /** Lets go of all but the newest events. */
  trim(): void {
    const gone = this.events.splice(0, this.events.length - MAX_EVENTS)
    if (gone.length === 0) return
    this.isCut = true
    this.before = undefined
    for (const { id, content } of gone)
      this.#edits.get(text(object(content['m.relates_to'])['event_id']) ?? '')?.delete(id)
  }

  #append(event: RoomEvent): void {
    if (event.type === 'm.room.member') this.memberChanges += 1
    this.#apply(event)
    this.#noteEdit(event)
    if (event.type === 'm.room.redaction') {
      const redacts = text(event.content['redacts'])
      this.events = this.events.map(each =>
        each.id === redacts ? { ...each, content: {}, isRedacted: true } : each,
      )
      for (const edits of this.#edits.values()) edits.delete(redacts ?? '')
    }
    if (this.events.some(({ id }) => id === event.id)) return
    this.events.push(event)
  }

  #apply({ type, stateKey, content, sender }: RoomEvent): void {
    if (type === 'm.room.create') this.creator = sender
    if (stateKey !== undefined) this.setState(type, stateKey, content)
  }

  #noteEdit(event: RoomEvent): void {
    const relation = object(event.content['m.relates_to'])
    const target = text(relation['event_id'])
    if (relation['rel_type'] !== 'm.replace' || target === undefined || event.stateKey !== undefined) return
    this.#edits.set(target, (this.#edits.get(target) ?? new Map()).set(event.id, event))
  }
}
