import { MatrixError } from '../core/errors.ts'
import type { RoomEvent } from '../core/event/event.ts'
import type { RoomVersion } from '../core/room-versions.ts'
import { importRoom } from '../services/rooms/import-room.ts'
import { inOrderOf } from '../services/rooms/judge-outliers.ts'
import type { EventTemplate } from '../services/rooms/local-event.ts'
import { storeOutliers } from '../services/rooms/outliers.ts'
import { type Received, receiveEvent } from '../services/rooms/receive.ts'
import { type NetworkServer, stateFrom, travelled, unchecked } from './network-server.ts'
import { newRoom } from './rooms.ts'
import type { SeededRandom } from './seeded-random.ts'

/**
 * One room on several servers, whose requests are plain calls. Whom events reach, in which order, how often, and how gaps
 * are filled is chance.
 */
export class RoomNetwork {
  readonly servers: readonly NetworkServer[]
  readonly version: RoomVersion
  readonly events = new Map<string, RoomEvent>()
  readonly #random: SeededRandom
  roomId = ''

  constructor(servers: readonly NetworkServer[], version: RoomVersion, random: SeededRandom) {
    this.servers = servers
    this.version = version
    this.#random = random
  }

  /** Makes the room on the first server. */
  async create(creator: string): Promise<void> {
    const [first] = this.servers
    if (first === undefined) throw new Error('a network has servers')
    const { rooms } = first.rooms
    this.roomId = await rooms.roomCreation.create(
      newRoom(rooms, creator, { version: this.version, preset: 'public_chat' }),
      { isDirect: false },
    )
    const { events } = first.read
    const room = await first.read.rooms.byId(this.roomId)
    const page = await events.forwards({ roomNid: room?.nid ?? 0, after: 0, upTo: 1e12, limit: 100 })
    for (const { event } of page) this.#learn(event, first)
    first.entry = page[0]?.event
  }

  /** Sends an event of a local user, if the room lets it; tells it to nobody yet. */
  async send(server: NetworkServer, template: EventTemplate): Promise<RoomEvent | undefined> {
    try {
      const { event } = await server.rooms.core.sender.send(this.roomId, template)
      if (event !== undefined) this.#learn(event, server)
      return event
    } catch (error) {
      if (error instanceof MatrixError && error.errcode !== 'M_UNKNOWN') return undefined
      throw error
    }
  }

  /** An event that a server makes against the rules, following any events that it likes. */
  async forge(
    server: NetworkServer,
    template: EventTemplate,
    prevEvents: readonly RoomEvent[],
  ): Promise<void> {
    const { writer } = server.rooms.core
    const head = await writer.head(this.roomId)
    if (head === undefined) return
    const ids = prevEvents.map(event => event.eventId)
    const event = await unchecked(server, { server, head }, template, ids)
    await receiveEvent(writer, event)
    this.#learn(event, server)
  }

  #learn(event: RoomEvent, by: NetworkServer): void {
    this.events.set(event.eventId, event)
    for (const other of this.servers) {
      if (other === by) continue
      const untold = by.untold.get(other)
      if (untold === undefined) by.untold.set(other, [event])
      else untold.push(event)
    }
  }

  /** Lets a user in who is on a server that nobody of is in the room, through another. */
  async joinThrough(server: NetworkServer, resident: NetworkServer, userId: string): Promise<boolean> {
    const { writer } = server.rooms.core
    const head = await resident.rooms.core.writer.head(this.roomId)
    if (head === undefined || head.memberships.get(userId) === 'join') return false
    const template = {
      type: 'm.room.member',
      sender: userId,
      stateKey: userId,
      content: { membership: 'join' },
    }
    const ends = head.extremities.slice(0, 20).map(one => one.eventId)
    const join = await unchecked(server, { server: resident, head }, template, ends)
    const received = await receiveEvent(resident.rooms.core.writer, travelled(join, this.version))
    if (received.outcome !== 'accepted') return false
    const { state, chain } = await stateFrom(resident, join.eventId)
    await importRoom(writer, {
      roomId: this.roomId,
      version: this.version,
      join: travelled(join, this.version),
      state: state.map(event => travelled(event, this.version)),
      authChain: chain.map(event => travelled(event, this.version)),
    })
    server.entry ??= join
    this.#learn(join, server)
    return true
  }

  /** Hands an event from one server to another, who asks back for what it needs. */
  async deliver(from: NetworkServer, to: NetworkServer, event: RoomEvent, depth = 0): Promise<void> {
    const arrived = travelled(event, this.version)
    let options: { stateBefore?: string[] } = {}
    for (let attempt = 0; attempt < 6; attempt++) {
      const received: Received = await receiveEvent(to.rooms.core.writer, arrived, options)
      if (received.outcome !== 'missing') return
      if (received.authEvents.length > 0) {
        const { state, chain } = await stateFrom(from, event.eventId)
        await storeOutliers(
          to.rooms.core.writer,
          this.roomId,
          [...chain, ...state].map(one => travelled(one, this.version)),
        )
        continue
      }
      const filled = depth < 30 && (await this.#fillGap(from, to, received.prevEvents, depth))
      if (!filled) options = { stateBefore: await this.#fetchState(from, to, event) }
    }
    throw new Error(`${to.name} never has enough for ${event.eventId}`)
  }

  async #fillGap(
    from: NetworkServer,
    to: NetworkServer,
    missing: readonly string[],
    depth: number,
  ): Promise<boolean> {
    for (const eventId of missing) {
      const event = this.events.get(eventId)
      if (event === undefined || this.#random.chance(0.3) || this.isHearsay(to, eventId)) return false
      if ((await from.stored(eventId))?.position === undefined) return false
      await this.deliver(from, to, event, depth + 1)
    }
    return true
  }

  async #fetchState(from: NetworkServer, to: NetworkServer, event: RoomEvent): Promise<string[]> {
    const { state, chain } = await stateFrom(from, event.eventId)
    const unknown = [...chain, ...state].map(one => travelled(one, this.version))
    await storeOutliers(to.rooms.core.writer, this.roomId, unknown)
    return state.map(one => one.eventId)
  }

  /** Whether an event is older than a server's own time in the room. */
  isHearsay(server: NetworkServer, eventId: string): boolean {
    if (server.entry === undefined) return true
    return this.#before(server.entry).has(eventId)
  }

  readonly #ancestors = new Map<string, Set<string>>()

  #before(entry: RoomEvent): Set<string> {
    let known = this.#ancestors.get(entry.eventId)
    if (known === undefined) {
      known = new Set()
      const pending = [...entry.prevEvents]
      for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
        if (known.has(next)) continue
        known.add(next)
        pending.push(...(this.events.get(next)?.prevEvents ?? []))
      }
      this.#ancestors.set(entry.eventId, known)
    }
    return known
  }

  /** Hands over some of what a server has not told another, in any order; some never arrive, some twice. */
  async gossip(from: NetworkServer, to: NetworkServer): Promise<void> {
    const untold = this.#random.shuffled(from.untold.get(to) ?? [])
    const now = untold.splice(0, 1 + this.#random.below(4))
    from.untold.set(to, untold)
    if (to.entry === undefined) return
    for (const event of now) {
      if (this.isHearsay(to, event.eventId) || this.#random.chance(0.2)) continue
      await this.deliver(from, to, event)
      if (this.#random.chance(0.1)) await this.deliver(from, to, event)
    }
  }

  /** Takes note of what servers have sent of their own accord. */
  async collect(): Promise<void> {
    for (const server of this.servers) {
      const room = await server.read.rooms.byId(this.roomId)
      if (room === undefined) continue
      const range = { roomNid: room.nid, after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 10_000 }
      for (const { event } of await server.read.events.forwards(range)) {
        if (!this.events.has(event.eventId)) this.#learn(event, server)
      }
    }
  }

  /** Tells every server everything. */
  async heal(): Promise<void> {
    for (const to of this.servers) {
      if (to.entry === undefined) continue
      for (const event of this.#random.shuffled([...this.events.values()])) {
        if (this.isHearsay(to, event.eventId)) continue
        const stored = await to.stored(event.eventId)
        if (stored?.position !== undefined && stored.rejected === undefined) continue
        for (const from of this.#random.shuffled(this.servers)) {
          if (from === to || (await from.stored(event.eventId))?.position === undefined) continue
          await this.deliver(from, to, event)
          break
        }
      }
    }
    for (const server of this.servers) server.untold.clear()
  }

  /** All events, each after those that it refers to. */
  inOrder(): RoomEvent[] {
    return inOrderOf([...this.events.values()], event => [...event.prevEvents, ...event.authEvents])
  }
}
