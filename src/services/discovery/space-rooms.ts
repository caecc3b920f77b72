import type { Clock } from '../../core/clock.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { JsonValue } from '../../core/json.ts'
import { compareChildren, isSuggested, readSpaceChild, type SpaceChild } from '../../core/space-children.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { contentShown } from '../rooms/room-summary.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { shownSummaries } from '../rooms/shown-summary.ts'
import type { Hierarchy, HierarchyRoom, RemoteDiscovery } from './ports.ts'
import type { Showable } from './room-previews.ts'

/** A room in a hierarchy, before it is decided who may see it. */
export interface SpaceRoom {
  readonly roomId: string
  /** What it is shown by (`RoomSummary`), with `room_id` and `num_joined_members`. */
  readonly summary: Showable & {
    readonly [name: string]: JsonValue | undefined
    readonly room_id: string
    readonly num_joined_members: number
    readonly world_readable: boolean
    readonly guest_can_join: boolean
  }
  /** In order; empty unless the room is a space. */
  readonly children: readonly SpaceChild[]
  /** The servers that were asked for it; `undefined` for a room that this server is in. */
  readonly toldBy: string | undefined
}

/** Children of one space beyond these are not shown: a tree of such spaces would be without end. */
const MAX_CHILDREN = 1_000
/** How long what another server said of a space is believed. */
const REMEMBERED_MS = 5 * 60_000
const MAX_REMEMBERED = 500
/** Of all of them together. */
const MAX_REMEMBERED_CHILDREN = 20_000

/** Finds the rooms of hierarchies: here, or on the servers that the space names. */
export class SpaceRooms {
  readonly #context: RoomsContext
  readonly #remote: Pick<RemoteDiscovery, 'hierarchy'>
  readonly #remembered: Remembered

  constructor(parts: { context: RoomsContext; remote: Pick<RemoteDiscovery, 'hierarchy'> }) {
    this.#context = parts.context
    this.#remote = parts.remote
    this.#remembered = new Remembered(parts.context.clock)
  }

  /** A room that this server is in. */
  async here(roomId: string, suggestedOnly: boolean): Promise<SpaceRoom | undefined> {
    const { read, serverName } = this.#context
    const room = await read.rooms.byId(roomId)
    if (room === undefined || !(await read.memberships.hasMember(room.nid, 'join', serverName)))
      return undefined
    const stored = await read.summaries.ofRoom(room.nid)
    if (stored === undefined) return undefined
    const [row = stored] = await shownSummaries(read, [stored])
    const isSpace = row.summary.room_type === 'm.space'
    return {
      roomId,
      summary: { ...row.summary, room_id: roomId, num_joined_members: row.joinedMembers },
      children: isSpace ? chosen(await childrenOf(read, room.nid), suggestedOnly) : [],
      toldBy: undefined,
    }
  }

  /**
   * A room that this server is not in, as one of these servers describes it. What others have said is believed where it is their space
   * in which the room is found, and nowhere else: anybody may name any room in a space of their own.
   *
   * @param via servers that the space names
   * @param parentToldBy of that space
   * @param options.mayAsk whether there is time left to ask them; what they have said before is known anyway
   */
  async elsewhere(
    roomId: string,
    { via, parentToldBy }: { readonly via: readonly string[]; readonly parentToldBy: string | undefined },
    { suggestedOnly, mayAsk }: { readonly suggestedOnly: boolean; readonly mayAsk: () => boolean },
  ): Promise<SpaceRoom | undefined> {
    const { serverName } = this.#context
    const servers = [...new Set([...via, serverNameOf(roomId)])].filter(
      server => server !== '' && server !== serverName,
    )
    const asked = servers.join(' ')
    for (const toldBy of [parentToldBy ?? asked, asked]) {
      const remembered = this.#remembered.get({ roomId, toldBy }, suggestedOnly)
      if (remembered !== undefined) return remembered
    }
    if (servers.length === 0 || !mayAsk()) return undefined
    const answer = await this.#remote.hierarchy(servers, { roomId, suggestedOnly })
    return answer && this.#remember(answer, asked, suggestedOnly)
  }

  /** What a server says of a space it also says of the rooms in it; of no others is it asked. */
  #remember(answer: Hierarchy, toldBy: string, suggestedOnly: boolean): SpaceRoom {
    const room = remoteRoom(answer.room, toldBy, suggestedOnly)
    const named = new Set(room.children.map(child => child.state_key))
    for (const child of answer.children) {
      if (named.has(child.summary.room_id)) {
        this.#remembered.set(remoteRoom(child, toldBy, suggestedOnly), suggestedOnly)
      }
    }
    this.#remembered.set(room, suggestedOnly)
    return room
  }
}

const remoteRoom = (
  { summary, childrenState }: HierarchyRoom,
  toldBy: string,
  suggestedOnly: boolean,
): SpaceRoom => ({
  roomId: summary.room_id,
  toldBy,
  summary,
  children:
    summary.room_type === 'm.space'
      ? chosen(
          childrenState.flatMap(
            ({ type, state_key, sender, content, origin_server_ts }) =>
              readSpaceChild({ type, state_key, sender, content, origin_server_ts }) ?? [],
          ),
          suggestedOnly,
        )
      : [],
})

const chosen = (children: readonly SpaceChild[], suggestedOnly: boolean): SpaceChild[] =>
  children
    .filter(child => !suggestedOnly || isSuggested(child))
    .toSorted(compareChildren)
    .slice(0, MAX_CHILDREN)

const childrenOf = async (read: RoomReaders, roomNid: number): Promise<SpaceChild[]> => {
  const entries = await read.state.ofTypes(roomNid, ['m.space.child'], Number.MAX_SAFE_INTEGER)
  const events = await read.events.byNids(entries.map(entry => entry.nid))
  return events.flatMap(stored => {
    const { type, stateKey, sender, originServerTs } = stored.event
    const content = contentShown(stored)
    const event = { type, state_key: stateKey, sender, content, origin_server_ts: originServerTs }
    return readSpaceChild(event) ?? []
  })
}

/** What other servers said lately, oldest forgotten first. */
class Remembered {
  readonly #clock: Clock
  readonly #rooms = new Map<string, { readonly at: number; readonly room: SpaceRoom }>()
  #children = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(room: Pick<SpaceRoom, 'roomId' | 'toldBy'>, suggestedOnly: boolean): SpaceRoom | undefined {
    const known = this.#rooms.get(keyOf(room, suggestedOnly))
    return known !== undefined && this.#clock.now() - known.at < REMEMBERED_MS ? known.room : undefined
  }

  set(room: SpaceRoom, suggestedOnly: boolean): void {
    const key = keyOf(room, suggestedOnly)
    this.#forget(key)
    this.#rooms.set(key, { at: this.#clock.now(), room })
    this.#children += room.children.length
    for (const oldest of this.#rooms.keys()) {
      if (this.#rooms.size <= MAX_REMEMBERED && this.#children <= MAX_REMEMBERED_CHILDREN) break
      this.#forget(oldest)
    }
  }

  #forget(key: string): void {
    this.#children -= this.#rooms.get(key)?.room.children.length ?? 0
    this.#rooms.delete(key)
  }
}

const keyOf = ({ roomId, toldBy }: Pick<SpaceRoom, 'roomId' | 'toldBy'>, suggestedOnly: boolean): string =>
  JSON.stringify([suggestedOnly, roomId, toldBy])
