import type { RoomEvent } from '../../../../core/event/event.ts'
import { growingCache } from '../../../../core/growing-cache.ts'
import { serverNameOf } from '../../../../core/ids.ts'
import { FederationError } from '../../../../network/federation-client.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import type { OutboundContext } from '../context.ts'
import { newestFirst } from './chunk-order.ts'
import { fetchStateBefore } from './state-fetcher.ts'
import { storeHistory } from './store-history.ts'

const MIN_EVENTS = 20
/** What most servers answer at most. */
const MAX_EVENTS = 100
const MAX_SERVERS = 5
const MAX_GAPS = 20
/** In milliseconds: for all servers together, and for one of them. */
const TOTAL_MS = 60_000
const SERVER_MS = 30_000
/** After nobody had anything, so long (milliseconds) nobody is asked again. */
const QUIET_MS = 60_000

/**
 * Fetches what happened in rooms before this server was in them (server-server API, "Backfilling and retrieving missing
 * events"), a piece for each call. One fetch of a room at a time serves all who ask.
 */
export class HistoryFetcher {
  readonly #context: OutboundContext
  readonly #underWay = new Map<string, Promise<boolean>>()
  readonly #inVain = growingCache<string, number>(1_000)

  constructor(context: OutboundContext) {
    this.#context = context
  }

  /** Answers whether anything came. Never throws for what other servers do. */
  fetch(roomId: string, limit: number): Promise<boolean> {
    const known = this.#underWay.get(roomId)
    if (known !== undefined) return known
    const fetching = this.#fetch(roomId, limit).finally(() => this.#underWay.delete(roomId))
    this.#underWay.set(roomId, fetching)
    return fetching
  }

  async #fetch(roomId: string, limit: number): Promise<boolean> {
    const { core, clock, log } = this.#context
    if ((this.#inVain.get(roomId) ?? 0) > clock.now()) return false
    const head = await core.writer.head(roomId)
    // What was purged is not fetched back.
    const from = head === undefined || head.purged !== undefined ? [] : await this.#gaps(head)
    if (head === undefined || from.length === 0) return false
    // What is older is stored with its state, which is told by how it differs from the state at the join.
    if (head.partial !== undefined && !(await core.context.partial.complete(head.room.nid, SERVER_MS))) {
      return false
    }
    const deadline = clock.now() + TOTAL_MS
    for (const server of (await this.servers(head)).slice(0, MAX_SERVERS)) {
      const timeoutMs = Math.min(SERVER_MS, deadline - clock.now())
      if (timeoutMs <= 0) break
      try {
        if (await this.#fetchFrom(server, head, { from, limit, timeoutMs })) return true
      } catch (error) {
        if (!(error instanceof FederationError)) throw error
        log.info({ room: roomId, server, err: error }, 'no history from this server')
      }
    }
    this.#inVain.set(roomId, clock.now() + QUIET_MS)
    return false
  }

  async #fetchFrom(
    server: string,
    { room: { roomId }, version }: RoomHead,
    ask: { from: readonly string[]; limit: number; timeoutMs: number },
  ): Promise<boolean> {
    const { federation, core, verifyEvents, log } = this.#context
    const { from, timeoutMs } = ask
    const limit = Math.min(Math.max(ask.limit, MIN_EVENTS), MAX_EVENTS)
    const pdus = await federation.backfill(server, { roomId, from, limit }, { timeoutMs })
    const fetched = new Map<string, RoomEvent>()
    for (const one of await verifyEvents(pdus, version, { manyReferences: true })) {
      if ('refusal' in one) log.debug({ room: roomId, server, reason: one.refusal }, 'history: event dropped')
      else if (one.event.roomId === roomId) fetched.set(one.event.eventId, one.event)
    }
    const stored = await core.context.read.events.byIds([...fetched.keys()])
    for (const [eventId, { position }] of stored) if (position !== undefined) fetched.delete(eventId)
    const events = newestFirst(from, fetched)
    const oldest = events.at(-1)
    if (oldest === undefined) return false
    const alsoNeeded = events.flatMap(event => event.authEvents).filter(eventId => !fetched.has(eventId))
    const stateBefore =
      oldest.type === 'm.room.create'
        ? []
        : await fetchStateBefore(this.#context, server, oldest, { alsoNeeded, timeoutMs })
    if (oldest.type !== 'm.room.create' && stateBefore.length === 0) return false
    return (await storeHistory(core.writer, { roomId, events, stateBefore })) > 0
  }

  /** Events that the oldest ones here refer to. Gaps further up are not filled by paging beyond the end. */
  async #gaps({ room: { nid: roomNid } }: RoomHead): Promise<string[]> {
    const { read } = this.#context.core.context
    const [oldest] = await read.events.forwards({
      roomNid,
      after: -Number.MAX_SAFE_INTEGER,
      upTo: Number.MAX_SAFE_INTEGER,
      limit: 1,
    })
    if (oldest?.position === undefined || oldest.event.type === 'm.room.create') return []
    const limit = Math.max(oldest.position, 0)
    const gaps = (await read.rooms.missingEvents(roomNid)).filter(
      ({ position }) => position !== undefined && position <= limit,
    )
    return [...new Set(gaps.map(gap => gap.missingEventId))].slice(0, MAX_GAPS)
  }

  /** Servers that are likely to know: that of the oldest event's sender, the creator's, then the others in the room. */
  async servers(head: RoomHead): Promise<string[]> {
    const { read, serverName } = this.#context.core.context
    const hosts = head.joinedHosts()
    const members = await read.events.forwards({
      roomNid: head.room.nid,
      after: -Number.MAX_SAFE_INTEGER,
      upTo: Number.MAX_SAFE_INTEGER,
      limit: 1,
    })
    const likely = [...members.map(({ event }) => event.sender), head.room.creator].map(serverNameOf)
    const inRoom = new Set(hosts)
    return [...new Set([...likely.filter(host => inRoom.has(host)), ...hosts])].filter(
      host => host !== serverName && this.#context.permits(host),
    )
  }
}
