import type { RoomEvent } from '../../../../core/event/event.ts'
import { serverNameOf } from '../../../../core/ids.ts'
import { afterFailure, type BackoffPolicy, type BackoffState } from '../../../../network/backoff.ts'
import { abandonCompletion, completeRoom } from '../../../rooms/partial-completion.ts'
import { type PartialTask, partialOf } from '../../../rooms/partial-task.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import { Slots } from '../../slots.ts'
import type { OutboundContext } from '../context.ts'
import { storeEvents, storeFullState } from './full-state.ts'

/** Rooms that are completed side by side: each may hold the events of tens of thousands of members. */
const AT_ONCE = 2
/** No more servers than this are asked in one round. */
const MAX_CANDIDATES = 20
/** It is tried for ever: without its members a room cannot be used in full, and nobody else would try. */
const BACKOFF: BackoffPolicy = { initialMs: 5_000, factor: 2, maxMs: 60 * 60_000, jitter: 0.2 }
/**
 * Members whose servers' keys cannot be had are left out: every server of the room but us would take them for members. So
 * often it is tried again before that; not where many servers are gone, which is for good.
 */
const MAX_KEY_ROUNDS = 2
const MAX_SERVERS_WAITED_FOR = 10
/** Progress of a large room is told in the log at every such part of it. */
const TOLD_EVERY = 5_000

/** A room that was joined without its members. */
export interface Completion extends PartialTask {
  /** Servers to ask first, in this order. */
  readonly servers: readonly string[]
}

/** The state before a join, where the server that let us in has given all of it, verified. */
export interface GivenState {
  readonly state: readonly RoomEvent[]
  readonly authChain: readonly RoomEvent[]
}

/** Told once a room is complete, with the servers that were not known to be in it before. */
export type OnComplete = (room: {
  readonly roomNid: number
  readonly joinedAt: number
  readonly newServers: readonly string[]
}) => Promise<void>

/**
 * Fetches the members of rooms that were joined without them, in the background (MSC3902, "Resynchronisation"): from the
 * server that let us in, else from others in the room, again and again with growing pauses until one of them gives the
 * whole state, or nobody here is in the room any more. Which rooms lack members is in the database: a restart goes on
 * with all of them.
 */
export class RoomCompleter {
  readonly #context: OutboundContext
  readonly #onComplete: OnComplete
  readonly #slots = new Slots(AT_ONCE)
  readonly #running = new Map<string, Promise<void>>()
  readonly #closing = new AbortController()

  constructor(context: OutboundContext, onComplete: OnComplete) {
    this.#context = context
    this.#onComplete = onComplete
  }

  /** Goes on with what an earlier process has left. */
  async start(): Promise<void> {
    const { read } = this.#context.core.context
    for (const { roomId, joinEventId, servers } of await read.partial.allOpen()) {
      void this.complete({ roomId, joinEventId, servers: servers.slice(0, MAX_CANDIDATES) })
    }
  }

  /**
   * Completes a room, at first with what is given; resolves once that has come to an end, however long it takes. Never
   * rejects.
   */
  complete(completion: Completion, given?: GivenState): Promise<void> {
    const known = this.#running.get(completion.joinEventId)
    if (known !== undefined) return known
    const running = this.#run(completion, given).finally(() => this.#running.delete(completion.joinEventId))
    this.#running.set(completion.joinEventId, running)
    return running
  }

  /** Ends what is under way; the next start goes on with it. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#running.values())
  }

  async #run(completion: Completion, first: GivenState | undefined): Promise<void> {
    const { clock, core } = this.#context
    const log = this.#context.log.child({ room: completion.roomId })
    const { signal } = this.#closing
    let given = first
    let backoff: BackoffState | undefined
    let rounds = 0
    const waitsFor = (servers: ReadonlySet<string>): boolean =>
      servers.size > 0 && servers.size <= MAX_SERVERS_WAITED_FOR && rounds++ < MAX_KEY_ROUNDS
    while (!signal.aborted) {
      try {
        // What was given with the join is not kept any longer than needed.
        const taken = given
        given = undefined
        if (await this.#slots.run(() => this.#round(completion, taken, waitsFor))) return
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'the members of a room could not be stored')
      }
      if (signal.aborted) return
      const random = Buffer.from(core.context.random(4)).readUInt32BE() / 2 ** 32
      backoff = afterFailure(backoff, { now: clock.now(), random }, BACKOFF)
      const { failures, retryAt } = backoff
      log.info({ failures, retryAt }, 'no server gives the members of a room: it is tried again later')
      await clock.sleep(retryAt - clock.now(), signal).catch(() => undefined)
    }
  }

  /** Asks each server once; answers whether nothing is left to be done, or waited for. */
  async #round(
    completion: Completion,
    given: GivenState | undefined,
    waitsFor: (unverified: ReadonlySet<string>) => boolean,
  ): Promise<boolean> {
    const { log } = this.#context
    const { signal } = this.#closing
    const head = await this.#headOf(completion)
    if (head === undefined) return true
    if (given !== undefined) {
      const { state, authChain } = given
      await storeEvents(this.#context, head.room.roomId, [...authChain, ...state], () => undefined)
      const stateIds = state.map(event => event.eventId)
      return this.#finish(completion, stateIds)
    }
    for (const server of this.#candidates(completion, head)) {
      if (signal.aborted) return false
      if ((await this.#headOf(completion)) === undefined) return true
      const facts = { room: completion.roomId, server }
      try {
        const { stateIds, unverified } = await storeFullState(
          this.#context,
          server,
          placeOf(completion, head),
          {
            signal,
            onProgress: this.#progress(completion.roomId, server),
          },
        )
        if (waitsFor(unverified)) return false
        return await this.#finish(completion, stateIds)
      } catch (error) {
        if (!signal.aborted) log.info({ ...facts, err: error }, 'members: this server could not help')
      }
    }
    return false
  }

  async #finish(completion: Completion, stateIds: readonly string[]): Promise<boolean> {
    const { core, log } = this.#context
    const before = await this.#headOf(completion)
    const partial = before?.partial
    if (partial?.joinedAt === undefined) return true
    const { joinedAt, servers } = partial
    const progress = this.#progress(completion.roomId)
    const isComplete = await completeRoom(core.writer, completion, stateIds, {
      onProgress: (done, of) => progress('filling in', done, of),
    })
    if (!isComplete) return true
    const head = await core.writer.head(completion.roomId)
    const hosts = head?.joinedHosts() ?? []
    log.info({ room: completion.roomId, members: head?.joinedMembers }, 'all members of a room are known')
    const newServers = hosts.filter(host => host !== core.context.serverName && !servers.has(host))
    if (head !== undefined && newServers.length > 0) {
      await this.#onComplete({ roomNid: head.room.nid, joinedAt, newServers })
    }
    return true
  }

  /** The room's head if it lacks members by this join still, and somebody here is in it. */
  async #headOf(completion: Completion): Promise<RoomHead | undefined> {
    const { core } = this.#context
    const head = await core.writer.head(completion.roomId)
    if (head === undefined || partialOf(head, completion) === undefined) return undefined
    if (head.hasHost(core.context.serverName)) return head
    await abandonCompletion(core.writer, completion)
    return undefined
  }

  #candidates({ servers }: Completion, head: RoomHead): string[] {
    const { core, permits } = this.#context
    const known = [...servers, serverNameOf(head.room.creator), ...head.joinedHosts()]
    return [...new Set(known)]
      .filter(server => server !== '' && server !== core.context.serverName && permits(server))
      .slice(0, MAX_CANDIDATES)
  }

  #progress(room: string, server?: string): (what: string, done: number, of: number) => void {
    const { log } = this.#context
    let told = 0
    return (what, done, of) => {
      if (done < told) told = 0
      if (done - told < TOLD_EVERY) return
      told = done
      log.info({ room, server, done, of }, `members of a room: ${what}`)
    }
  }
}

const placeOf = ({ roomId, joinEventId }: Completion, head: RoomHead) => ({
  roomId,
  eventId: joinEventId,
  version: head.version,
  createEventId: head.entry('m.room.create', '')?.eventId ?? '',
})
