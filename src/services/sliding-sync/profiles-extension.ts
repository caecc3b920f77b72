import type { StreamToken } from '../../core/stream-token.ts'
import type { ProfileReader } from '../../storage/accounts/profiles.ts'
import { type Owed, withOwed } from './owed.ts'
import type { People } from './people.ts'
import { numberOfFields, profileText, type WantedFields } from './profile-texts.ts'
import type { ProfilesRequest } from './request.ts'
import { bearsOn, type ExtensionRooms } from './room-extensions.ts'
import type { Look } from './room-writer.ts'

export const PROFILES = 'org.matrix.msc4262.profiles'

/** Changed profiles that are looked at together: any of them may be large, and all that concern the user are told at once. */
const CHANGED_AT_ONCE = 100
/** Profiles of one response that are told whole, and read together; what is more comes with the next, which does not wait. */
const MAX_WHOLE = 1_000
const READ_AT_ONCE = 100
/** What may be owed: it is stored with the connection. Of users beyond that the client hears as they change something. */
const MAX_OWED = 5_000
/** The same in characters. */
const MAX_LENGTH = 1024 * 1024

/** What the extension says in one response. */
export interface ProfilesTold {
  /** `undefined`: nothing. */
  readonly text: string | undefined
  readonly positions: Pick<StreamToken, 'profiles' | 'profile_moves' | 'profile_fields'>
  readonly owed: Owed
  /** The client should be answered: it is told something, or there is more to tell. */
  readonly isNews: boolean
}

/**
 * The extension that tells of profiles (MSC4262, which gives its name alone): all of the profiles of those whom rooms show as they are told,
 * and what changes in the profile of anybody with whom a room is shared. It costs what is shown and what changes.
 */
export class ProfilesExtension {
  readonly #profiles: Pick<ProfileReader, 'changed' | 'ofUsers'>
  readonly #position: () => number
  readonly #people: People
  readonly #isUnheard: (userId: string) => Promise<boolean>

  constructor(parts: {
    profiles: Pick<ProfileReader, 'changed' | 'ofUsers'>
    /** Up to where the stream of profiles was followed. */
    position: () => number
    people: People
    /** Whether a user's doings are to reach nobody. */
    isUnheard: (userId: string) => Promise<boolean>
  }) {
    this.#profiles = parts.profiles
    this.#position = parts.position
    this.#people = parts.people
    this.#isUnheard = parts.isUnheard
  }

  /** @param before where the streams stood in the response before */
  async of(
    look: Look,
    request: ProfilesRequest,
    before: StreamToken,
    rooms: ExtensionRooms,
  ): Promise<ProfilesTold> {
    const { userId } = look.requester
    const [after, fields] = [before.profiles, numberOfFields(request.fields)]
    const goesOn = after !== undefined && before.profile_fields === fields
    // Before anything is read: what changes meanwhile is told again.
    const position = Math.max(this.#position(), after ?? 0)
    const texts = new Map<string, string>()
    for (const other of await this.#gone(look, before)) texts.set(other, 'null')
    const upTo = await this.#addChanged(texts, { userId, after, position, wanted: request.fields })

    const owed = new Set([...(rooms.owed.profiles ?? []), ...(goesOn ? [] : rooms.known.keys())])
    const whole = await this.#whole(userId, request, owed, rooms)
    if (!goesOn) whole.add(userId)
    await this.#addWhole(texts, whole, { userId, after, wanted: request.fields, owed })
    const isMore = [...owed].some(id => isUser(id) || isDue(id, request, rooms))
    const members = [...texts].map(([other, text]) => `${JSON.stringify(other)}:${text}`)
    return {
      text: members.length === 0 ? undefined : `{"users":{${members.join(',')}}}`,
      positions: { profiles: upTo, profile_fields: fields, profile_moves: undefined },
      owed: withOwed(rooms.owed, 'profiles', owed),
      isNews: members.length > 0 || isMore,
    }
  }

  /** What a connection has to keep in mind that has asked for profiles before, and does not now. */
  passedOver(look: Look, before: StreamToken, { owed, told }: ExtensionRooms): Partial<ProfilesTold> {
    if (before.profiles === undefined) return {}
    const missed = [...told].flatMap(([roomId, { sent }]) => (sent.kind === 'joined' ? roomId : []))
    return {
      positions: { profile_moves: before.profile_moves ?? look.after ?? look.upTo },
      owed:
        missed.length === 0
          ? owed
          : withOwed(owed, 'profiles', new Set([...(owed.profiles ?? []), ...missed])),
    }
  }

  /** "If the user has left all shared rooms." */
  async #gone({ requester, after, upTo }: Look, before: StreamToken): Promise<readonly string[]> {
    const from = before.profile_moves ?? after
    if (before.profiles === undefined || from === undefined) return []
    return this.#people.gone(requester.userId, { after: from, upTo })
  }

  /** "Any time a user who shares a room with the syncing user updates a field": up to where there is something to tell. */
  async #addChanged(
    texts: Map<string, string>,
    span: { userId: string; after: number | undefined; position: number; wanted: WantedFields },
  ): Promise<number> {
    const { userId, after, position, wanted } = span
    let from = after ?? position
    const before = texts.size
    while (from < position && texts.size === before) {
      const changed = await this.#profiles.changed(from, position, CHANGED_AT_ONCE)
      from = changed.length < CHANGED_AT_ONCE ? position : (changed.at(-1)?.position ?? position)
      const visible = await this.#people.visible(
        userId,
        changed.map(one => one.userId),
      )
      for (const [other, profile] of await this.#profiles.ofUsers(visible)) {
        const text = profileText(profile, wanted, { isWhole: false, after })
        if (text === undefined || (other !== userId && (await this.#isUnheard(other)))) continue
        texts.set(other, text)
      }
    }
    return from
  }

  /** Whose profiles are told whole, as rooms come; rooms that come now, and those whose turn it is, are owed no longer. */
  async #whole(
    userId: string,
    request: ProfilesRequest,
    owed: Set<string>,
    rooms: ExtensionRooms,
  ): Promise<Set<string>> {
    const { fresh, known, selected, told } = rooms
    const whole = new Set<string>()
    const freshNids = new Map(fresh.map(({ roomId, roomNid }) => [roomId, roomNid]))
    for (const [roomId, { people = NOBODY }] of told) {
      const nid = freshNids.get(roomId)
      if (nid === undefined && people.size === 0) continue
      if (!bearsOn(request.scope, selected.get(roomId), roomId)) {
        owed.add(roomId)
        continue
      }
      if (nid !== undefined) owed.delete(roomId)
      for (const other of people) whole.add(other)
      if (nid !== undefined) for (const hero of await this.#people.heroes(nid, userId)) whole.add(hero)
    }
    for (const id of owed) {
      if (whole.size >= MAX_WHOLE) break
      const place = isUser(id) ? undefined : dueRoom(id, request, rooms)
      if (isUser(id)) whole.add(id)
      else if (place === undefined) continue
      else {
        const people = await this.#people.ofRoom(place.place, place.config, known.get(id), userId)
        for (const other of people) whole.add(other)
      }
      owed.delete(id)
    }
    return whole
  }

  /** As many as there is room for; the others are owed. */
  async #addWhole(
    texts: Map<string, string>,
    whole: ReadonlySet<string>,
    {
      userId,
      after,
      wanted,
      owed,
    }: { userId: string; after: number | undefined; wanted: WantedFields; owed: Set<string> },
  ): Promise<void> {
    const visible = whole.size === 0 ? [] : await this.#people.visible(userId, whole)
    let length = 0
    for (let from = 0; from < visible.length; from += READ_AT_ONCE) {
      if (from >= MAX_WHOLE || length > MAX_LENGTH) {
        const space = Math.max(MAX_OWED - owed.size, 0)
        for (const other of visible.slice(from, from + space)) owed.add(other)
        return
      }
      for (const [other, profile] of await this.#profiles.ofUsers(visible.slice(from, from + READ_AT_ONCE))) {
        const text = profileText(profile, wanted, { isWhole: true, after })
        if (text === undefined) continue
        texts.set(other, text)
        length += text.length
      }
    }
  }
}

const NOBODY: ReadonlySet<string> = new Set()

const isUser = (id: string): boolean => id.startsWith('@')

/** A room that the client has and of which it may be told now. */
const dueRoom = (roomId: string, { scope }: ProfilesRequest, { selected, fresh }: ExtensionRooms) => {
  const one = selected.get(roomId)
  if (one === undefined || one.place.kind !== 'joined') return undefined
  if (!bearsOn(scope, one, roomId) || fresh.some(room => room.roomId === roomId)) return undefined
  return { place: one.place, config: one.config }
}

const isDue = (roomId: string, request: ProfilesRequest, rooms: ExtensionRooms): boolean =>
  dueRoom(roomId, request, rooms) !== undefined
