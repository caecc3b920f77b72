import { growingCache } from '../../../../core/growing-cache.ts'
import { serverNameOf } from '../../../../core/ids.ts'
import { FederationError } from '../../../../network/federation-client.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import { type Attempt, answersInTurn } from '../asked-in-turn.ts'
import type { OutboundContext } from '../context.ts'
import { newestFirst } from './chunk-order.ts'
import { type Asked, compare, givenHistory, isCreateOf, unheardServers, verified } from './given-history.ts'
import { roomIn } from './ground.ts'
import { beginningOf, type MissingPart, partInGap } from './missing-part.ts'
import { Pauses } from './pauses.ts'
import { fetchStateBefore } from './state-fetcher.ts'
import { type HistoryChunk, storeHistory } from './store-history.ts'
import { voucherOf } from './voucher.ts'

const MAX_SERVERS = 5
/** Of them at a time, where they do not answer soon. */
const AT_ONCE = 3
/** In milliseconds: for all servers together, and for one of them. */
const TOTAL_MS = 60_000
const SERVER_MS = 30_000
/**
 * So long (milliseconds) it is asked for in vain before what cannot be verified is passed over: that is for good, and a server that is
 * down, and not gone, is there again within a day.
 */
const GONE_MS = 86_400_000
/** So long (milliseconds) what else servers have said that are gone is passed over at once. */
const STAYS_GONE_MS = 7 * GONE_MS

/** What a server gives, and which servers' events of it cannot be verified; `blocked`: all of it hangs on such events. */
type Piece = { readonly chunk: HistoryChunk; readonly unheard: ReadonlySet<string> } | 'blocked' | 'nothing'

/** What is asked of several servers, and what has come of it so far. */
interface Search {
  readonly head: RoomHead
  readonly part: MissingPart
  readonly limit: number
  readonly deadline: number
  readonly asked: Set<string>
  /** Those that could not be heard. */
  readonly silent: string[]
  /** Those that give nothing but what hangs on events that cannot be verified. */
  readonly blocked: string[]
  /** Those whose events cannot be verified. */
  readonly unheard: Set<string>
}

/**
 * Fetches what is missing of rooms' histories, before this server was in them and in gaps (server-server API, "Backfilling
 * and retrieving missing events"), a piece for each call. One fetch of a part at a time serves all who ask.
 */
export class HistoryFetcher {
  readonly #context: OutboundContext
  readonly #underWay = new Map<string, Promise<boolean>>()
  readonly #pauses: Pauses
  /** Who gave something last, by room: whoever reads on is not to wait for those that are gone again. */
  readonly #givers = growingCache<string, string>(1_000)
  /** Servers that are gone, and until when that holds. */
  readonly #gone = growingCache<string, number>(1_000)

  constructor(context: OutboundContext) {
    this.#context = context
    this.#pauses = new Pauses(context.clock)
    context.core.context.processes.bulletin.on('heard of', server => this.heardOf(String(server)))
  }

  /** A server has proven to be there: rooms whose history it could not be asked for need not wait much longer. Cheap. */
  heardOf(server: string): void {
    this.#pauses.heardOf(server)
  }

  /**
   * Answers whether anything came. Never throws for what other servers do.
   *
   * @param base where the gap begins that is to be filled, at its upper end; by default it is what comes before all that is here
   */
  fetch(roomId: string, limit: number, base?: number): Promise<boolean> {
    const part = `${roomId} ${base ?? ''}`
    const known = this.#underWay.get(part)
    if (known !== undefined) return known
    const fetching = this.#fetch(roomId, limit, base).finally(() => this.#underWay.delete(part))
    this.#underWay.set(part, fetching)
    return fetching
  }

  async #fetch(roomId: string, limit: number, base: number | undefined): Promise<boolean> {
    const { core, clock } = this.#context
    const key = `${roomId} ${base ?? ''}`
    if (this.#pauses.isQuiet(key)) return false
    const inVain = this.#pauses.inVain(key)
    const head = await core.writer.head(roomId)
    const part = head && (await this.#part(head, base, inVain?.times ?? 0))
    if (head === undefined || part === undefined) return false
    // What is older is stored with its state, which is told by how it differs from the state at the join.
    if (head.partial !== undefined && !(await core.context.partial.complete(head.room.nid, SERVER_MS))) {
      return false
    }
    const search: Search = {
      ...{ head, part, limit, deadline: clock.now() + TOTAL_MS },
      ...{ asked: new Set(), silent: [], blocked: [], unheard: new Set() },
    }
    const giver = this.#givers.get(roomId)
    const servers = Map.groupBy(await this.servers(head), server => server === giver)
    const askedBefore = inVain?.asked ?? 0
    const inTurn = [...(servers.get(true) ?? []), ...turnedBy(askedBefore, servers.get(false) ?? [])]
    const from = await this.#firstToGive(inTurn.slice(0, MAX_SERVERS), search)
    if (from !== undefined) this.#givers.set(roomId, from)
    let isStored = from !== undefined
    const [any, ...others] = search.blocked
    // As long as nobody could be heard, it may have been our own outage.
    const since = inVain?.since ?? (any === undefined ? undefined : clock.now())
    const isLong = since !== undefined && clock.now() - since >= GONE_MS
    if (!isStored && any !== undefined && (isLong || this.#areGone(search.unheard)))
      isStored = (await this.#firstToGive([any], search, others)) !== undefined
    if (isStored) {
      this.#pauses.end(key)
      return true
    }
    const asked = askedBefore + [...search.asked].filter(server => server !== giver).length
    this.#pauses.begin(key, { asked, since, unheard: [...search.silent, ...search.unheard] })
    return false
  }

  #part(head: RoomHead, base: number | undefined, turn: number): Promise<MissingPart | undefined> {
    const { read } = this.#context.core.context
    return base === undefined ? beginningOf(read, head, turn) : partInGap(read, head, base, turn)
  }

  /** Whether all of these servers were found to be gone lately. */
  #areGone(servers: ReadonlySet<string>): boolean {
    const now = this.#context.clock.now()
    return [...servers].every(server => (this.#gone.get(server) ?? now) > now)
  }

  /**
   * Stores what the first server gives that has something, and answers its name. The others are given up then: what two of them give
   * is not stored twice.
   */
  async #firstToGive(
    servers: readonly string[],
    search: Search,
    others?: readonly string[],
  ): Promise<string | undefined> {
    const { core, clock, log } = this.#context
    const { roomId } = search.head.room
    const turns = { clock, totalMs: search.deadline - clock.now(), eachMs: SERVER_MS, atOnce: AT_ONCE }
    const ask = (attempt: Attempt): Promise<Piece> => {
      search.asked.add(attempt.server)
      return this.#pieceFrom(search, attempt, others)
    }
    for await (const given of answersInTurn(servers, turns, ask)) {
      const { server } = given
      if ('failure' in given) {
        if (!(given.failure instanceof FederationError)) throw given.failure
        log.info({ room: roomId, server, err: given.failure }, 'no history from this server')
        if (given.failure.retryable) search.silent.push(server)
        continue
      }
      const { answer } = given
      if (answer === 'blocked') search.blocked.push(server)
      if (answer === 'blocked' || answer === 'nothing') continue
      if ((await storeHistory(core.writer, answer.chunk)) === 0) continue
      if (others !== undefined)
        for (const name of answer.unheard) this.#gone.set(name, clock.now() + STAYS_GONE_MS)
      return server
    }
    return undefined
  }

  /** @param others where what cannot be verified is taken as well: servers that have given nothing else */
  async #pieceFrom(
    { head, part, limit, unheard: allUnheard }: Search,
    { server, timeoutMs, signal }: Attempt,
    others: readonly string[] | undefined,
  ): Promise<Piece> {
    const { core } = this.#context
    const { roomId } = head.room
    const { from, gap } = part
    const vouchedBy = await voucherOf(core.context, head, server)
    const ask: Asked = { part, limit, timeoutMs, signal, vouchedBy }
    const given = await givenHistory(this.#context, server, head, ask)
    for (const other of others ?? []) {
      if (given.unverified.size > 0) await compare(this.#context, given, other, head, ask)
    }
    const { unverified } = given
    const unheard = unheardServers(given)
    for (const name of unheard) allUnheard.add(name)
    const fetched = others === undefined ? verified(given) : given.all
    const places = gap === undefined ? fetched.size : roomIn(gap)
    const events = newestFirst(from, fetched).slice(0, places)
    const oldest = events.at(-1)
    if (oldest === undefined) return newestFirst(from, given.all).length > 0 ? 'blocked' : 'nothing'
    const alsoNeeded = events.flatMap(event => event.authEvents).filter(eventId => !fetched.has(eventId))
    const isBeginning = isCreateOf(head, oldest)
    const stateBefore = isBeginning
      ? []
      : await fetchStateBefore(this.#context, server, oldest, { alsoNeeded, timeoutMs, signal, vouchedBy })
    if (!isBeginning && stateBefore.length === 0) return 'nothing'
    return { chunk: { roomId, base: gap?.base, events, stateBefore, unverified }, unheard }
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

/** The same, beginning behind so many: where the first of a room's servers are gone, others are asked the next time. */
const turnedBy = (count: number, servers: readonly string[]): string[] => {
  const from = servers.length === 0 ? 0 : count % servers.length
  return [...servers.slice(from), ...servers.slice(0, from)]
}
