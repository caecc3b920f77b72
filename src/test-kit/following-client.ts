/** A client that follows rooms by `/sync`, fills gaps by `/messages`, and so believes to have everything. */
import { roomEventFilter } from '../core/filter.ts'
import type { JsonObject } from '../core/json.ts'
import type { Requester } from '../services/requester.ts'
import type { RoomHistory } from '../services/rooms/room-history.ts'
import type { Sync } from '../services/sync/sync.ts'
import type { ShownEvent, ShownRoom, SyncBody } from './people.ts'
import { bodyText } from './room-sync.ts'

/** What of rooms a client has put together. */
export interface FollowedRoom {
  isJoined: boolean
  timeline: ShownEvent[]
  /** Where to go on backwards from the first event. */
  back: string
  /** Event IDs by type and state key. */
  state: Map<string, string>
  /** Who sent what `/sync` has shown. */
  senders: Set<string>
  summary: Readonly<Record<string, unknown>>
}

/** How one sync is made. */
export interface SyncStep {
  readonly limit: number
  readonly pageLimit: number
  /** `lost`: the response never arrives; `fresh`: the client starts from scratch. */
  readonly mode: 'normal' | 'lost' | 'fresh'
  readonly fill: 'b' | 'f'
}

export interface FollowingOptions {
  /** The `timeline` filter but for its limit. */
  readonly filter: JsonObject
  /** What the filter says of rooms altogether. */
  readonly roomFilter: JsonObject
  readonly lazy: boolean
  /** Whether to ask for members again that are known. */
  readonly redundant: boolean
  readonly stateAfter: boolean
}

export class FollowingClient<Options extends FollowingOptions = FollowingOptions> {
  readonly requester: Requester
  readonly options: Options
  readonly rooms = new Map<string, FollowedRoom>()
  /** Everything that was ever handed over, in whatever way. */
  readonly received: { readonly roomId: string; readonly event: ShownEvent }[] = []
  readonly #sync: Sync
  readonly #history: RoomHistory
  #token: string | undefined

  constructor(services: { sync: Sync; roomHistory: RoomHistory }, requester: Requester, options: Options) {
    this.#sync = services.sync
    this.#history = services.roomHistory
    this.requester = requester
    this.options = options
  }

  async sync(step: SyncStep): Promise<void> {
    const since = step.mode === 'fresh' ? undefined : this.#token
    const filter = {
      room: {
        ...this.options.roomFilter,
        timeline: { ...this.options.filter, limit: step.limit },
        state: { lazy_load_members: this.options.lazy, include_redundant_members: this.options.redundant },
      },
    }
    const query = {
      filter: JSON.stringify(filter),
      since,
      fullState: false,
      timeoutMs: 0,
      stateAfter: this.options.stateAfter ? ('state_after' as const) : (false as const),
    }
    const body = await bodyText(await this.#sync.sync(this.requester, query, new AbortController().signal))
    if (step.mode === 'lost') return
    const answer = JSON.parse(body) as SyncBody
    if (since === undefined) this.rooms.clear()
    for (const [roomId, room] of Object.entries(answer.rooms?.join ?? {}))
      await this.#take(roomId, room, { since, step, isJoined: true })
    for (const [roomId, room] of Object.entries(answer.rooms?.leave ?? {}))
      await this.#take(roomId, room, { since, step, isJoined: false })
    // Whoever is invited again starts with the room anew.
    for (const roomId of Object.keys({ ...answer.rooms?.invite, ...answer.rooms?.knock }))
      this.rooms.delete(roomId)
    this.#token = answer.next_batch
  }

  /** Goes back to the beginning of what the user may see, in all rooms. */
  async readAll(pageLimit: number): Promise<void> {
    for (const [roomId, room] of this.rooms) {
      room.timeline.unshift(...(await this.#page(roomId, 'b', room.back, undefined, pageLimit)).reverse())
    }
  }

  async #take(
    roomId: string,
    told: ShownRoom,
    { since, step, isJoined }: { since: string | undefined; step: SyncStep; isJoined: boolean },
  ): Promise<void> {
    const { events, limited, prev_batch: before } = told.timeline
    const known = this.rooms.get(roomId)
    this.#note(roomId, events)
    if (known?.isJoined !== true) {
      // An invitation that has ended, or a ban after leaving: nothing of the room itself.
      const { userId } = this.requester
      const state = (told.state ?? told.state_after)?.events ?? []
      const isOwn = ({ type, state_key }: ShownEvent): boolean =>
        type === 'm.room.member' && state_key === userId
      if (!isJoined && state.every(isOwn) && !limited && events.length < 2) return
      const senders = new Set(events.map(event => event.sender))
      const room = { isJoined, timeline: [...events], back: before, state: new Map(), senders, summary: {} }
      this.rooms.set(roomId, room)
      this.#applyState(room, told)
      return
    }
    if (limited && since !== undefined) {
      const [from, to] = step.fill === 'b' ? [before, since] : [since, before]
      const gap = await this.#page(roomId, step.fill, from, to, step.pageLimit)
      known.timeline.push(...(step.fill === 'b' ? gap.reverse() : gap))
    }
    known.timeline.push(...events)
    for (const { sender } of events) known.senders.add(sender)
    known.isJoined = isJoined
    this.#applyState(known, told)
  }

  #applyState(room: FollowedRoom, told: ShownRoom): void {
    const set = ({ type, state_key: stateKey, event_id: eventId }: ShownEvent): void => {
      if (stateKey !== undefined) room.state.set(`${type} ${stateKey}`, eventId)
    }
    // "Clients MUST only update their local state with events in this list" where there is one.
    if (told.state_after !== undefined) for (const event of told.state_after.events) set(event)
    else for (const event of [...(told.state?.events ?? []), ...told.timeline.events]) set(event)
    room.summary = { ...room.summary, ...told.summary }
  }

  async #page(
    roomId: string,
    direction: 'b' | 'f',
    from: string,
    to: string | undefined,
    limit: number,
  ): Promise<ShownEvent[]> {
    const events: ShownEvent[] = []
    const filter = roomEventFilter(this.options.filter)
    for (let token: string | undefined = from; token !== undefined; ) {
      const request = { direction, from: token, to, limit, filter }
      const page = await this.#history.messages(this.requester, roomId, request)
      const chunk = page.chunk.map(text => JSON.parse(text) as ShownEvent)
      this.#note(roomId, chunk)
      events.push(...chunk)
      token = page.end
    }
    return events
  }

  #note(roomId: string, events: readonly ShownEvent[]): void {
    for (const event of events) this.received.push({ roomId, event })
  }
}
