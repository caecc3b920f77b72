import { afterFailure, type BackoffState } from '../../../../network/backoff.ts'
import { FederationError } from '../../../../network/federation-client.ts'
import { abandonCompletion, type CompletionOptions, completeRoom } from '../../../rooms/partial-completion.ts'
import type { PartialJoin } from '../../../rooms/partial-join.ts'
import { partialOf } from '../../../rooms/partial-task.ts'
import { reopenStay } from '../../../rooms/reopened-stay.ts'
import type { RoomHead } from '../../../rooms/room-head.ts'
import type { OutboundContext } from '../context.ts'
import { type LaneOptions, Lanes } from '../lanes.ts'
import type { CatchUp, MissedPart } from '../sender/sender.ts'
import { candidatesOf } from './candidates-of.ts'
import { type Completion, Course, type GivenState } from './course.ts'
import { FailedRound } from './failed-round.ts'
import { type FullState, placeOf, storeEvents, storeFullState } from './full-state.ts'
import { progressIn } from './progress.ts'
import { stateAtOnce } from './state-at-once.ts'
import { askingStateBefore } from './state-before.ts'

/** Rooms for which servers are asked side by side; those whose servers do not answer keep none of the others waiting. */
const ASKING: LaneOptions = { fast: 20, slow: 200, slowAfterMs: 3_000 }
/** Rooms whose members are fetched and stored side by side: each may hold the events of tens of thousands of them. */
const FILLING: LaneOptions = { fast: 2, slow: 4, slowAfterMs: 30_000 }
/**
 * So often it is looked for rooms that lack members. One that is found twice is taken up, which is done by the process that joined it
 * unless that has died: should it live, both come to the same.
 */
const LOOK_EVERY_MS = 60_000

/**
 * Fetches the members of rooms that were joined without them, in the background (MSC3902, "Resynchronisation"): from the
 * server that let us in, else from others in the room, again and again with growing pauses until one of them gives the
 * whole state, or nobody here is in the room any more; nor is it where those who know the room hold us to be out of it, as
 * when state resolution has taken the join away again, which nobody tells us. Which rooms lack members is in the database: a restart goes on
 * with all of them.
 */
export class RoomCompleter {
  readonly #context: OutboundContext
  readonly #catchUp: (missed: MissedPart) => Promise<CatchUp>
  readonly #asking: Lanes
  readonly #filling: Lanes
  readonly #running = new Map<string, Promise<void>>()
  /** Joins of stays that are over, for whose members it is asked once more. */
  readonly #reopened = new Set<string>()
  readonly #closing = new AbortController()
  #looking: Promise<void> | undefined

  /** @param catchUp has servers sent what they missed that are only known to be in a room once it is complete. */
  constructor(context: OutboundContext, catchUp: (missed: MissedPart) => Promise<CatchUp>) {
    this.#context = context
    this.#catchUp = catchUp
    this.#asking = new Lanes(context.clock, ASKING)
    this.#filling = new Lanes(context.clock, FILLING)
  }

  /** Goes on with what an earlier process has left, and where there may be others with what those leave that die later. */
  async start(): Promise<void> {
    const { read, processes } = this.#context.core.context
    for (const open of await read.partial.allOpen()) void this.complete(open)
    const sole = processes.soleWork('room completion')
    if (sole.others !== undefined)
      this.#looking = sole.run(this.#closing.signal, ({ signal }) => this.#takeUp(signal))
  }

  /**
   * Completes a room, at first with what is given; resolves once that has come to an end, however long it takes. Never
   * rejects.
   *
   * @param onMissing is told how many events are to be fetched, as far as it is known
   */
  complete(completion: Completion, given?: GivenState, onMissing?: (events: number) => void): Promise<void> {
    const known = this.#running.get(completion.joinEventId)
    if (known !== undefined) return known
    const course = new Course(given, onMissing)
    const running = this.#run(completion, course).finally(() => this.#running.delete(completion.joinEventId))
    this.#running.set(completion.joinEventId, running)
    return running
  }

  /**
   * Completes what the last stay in a room lacked of its members, as far as a server that lets somebody in again tells them at once:
   * what was said there, and meanwhile, is judged by that then, and an end of it can stand beside the new join. Else the stay
   * remains unfinished.
   */
  async finishStay(roomId: string, server: string): Promise<void> {
    const { core, permits } = this.#context
    const stay = await reopenStay(core.writer, roomId)
    if (stay === undefined) return
    this.#reopened.add(stay.joinEventId)
    try {
      const head = await this.#headOf(stay)
      if (head === undefined) return
      const servers = [...new Set([server, ...stay.servers])].filter(permits)
      const stateIds = await stateAtOnce(this.#context, placeOf(stay, head), servers)
      if (stateIds !== undefined) await this.#finish(stay, { stateIds })
    } finally {
      this.#reopened.delete(stay.joinEventId)
      await abandonCompletion(core.writer, stay)
    }
  }

  /** Ends what is under way; the next start goes on with it. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([...this.#running.values(), this.#looking])
  }

  async #takeUp(signal: AbortSignal): Promise<void> {
    const { clock, core } = this.#context
    let known: readonly string[] = []
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined)
      if (signal.aborted) return
      const all = await core.context.read.partial.allOpen()
      for (const open of all) if (known.includes(open.joinEventId)) void this.complete(open)
      known = all.map(({ joinEventId }) => joinEventId)
    }
  }

  async #run(completion: Completion, course: Course): Promise<void> {
    const { clock, core } = this.#context
    const log = this.#context.log.child({ room: completion.roomId })
    const { signal } = this.#closing
    let backoff: BackoffState | undefined
    while (!signal.aborted) {
      try {
        if (await this.#asking.run(false, () => this.#round(completion, course))) return
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'the members of a room could not be stored')
      }
      if (signal.aborted) return
      const random = Buffer.from(core.context.random(4)).readUInt32BE() / 2 ** 32
      backoff = afterFailure(
        course.isNewlyRefused ? undefined : backoff,
        { now: clock.now(), random },
        course.policy,
      )
      const { failures, retryAt } = backoff
      log.info({ failures, retryAt }, 'no server gives the members of a room: it is tried again later')
      await clock.sleep(retryAt - clock.now(), signal).catch(() => undefined)
    }
  }

  /** Fills in what was given, when there is a place for it. */
  readonly #fill = <T>(work: () => Promise<T>): Promise<T> => this.#filling.run(false, work)

  /** Asks each server once; answers whether nothing is left to be done, or waited for. */
  async #round(completion: Completion, course: Course): Promise<boolean> {
    const { log } = this.#context
    const { signal } = this.#closing
    const head = await this.#headOf(completion)
    if (head === undefined) return true
    const given = await this.#storeGiven(completion, course)
    if (given !== undefined) return this.#finish(completion, given)
    let isFinal = true
    const failure = new FailedRound()
    for (const server of candidatesOf(this.#context, completion, head, course.rounds++)) {
      if (signal.aborted) return false
      if ((await this.#headOf(completion)) === undefined) return true
      const facts = { room: completion.roomId, server }
      try {
        const onProgress = progressIn(log, facts)
        const place = placeOf(completion, head, completion.servers[0])
        const { onMissing } = course
        const options = { signal, onProgress, onMissing, fill: this.#fill }
        const full = await storeFullState(this.#context, server, place, options)
        if (course.waitsForKeys(full.unverified)) return false
        return await this.#finish(completion, full)
      } catch (error) {
        failure.note(server, error)
        isFinal &&= error instanceof FederationError && !error.retryable
        if (!signal.aborted) log.info({ ...facts, err: error }, 'members: this server could not help')
      }
    }
    if (signal.aborted) return false
    course.failed(failure, completion)
    const { partIds } = course
    if (partIds !== undefined)
      return (isFinal || course.hasWaitedForKeys()) && this.#finish(completion, { stateIds: partIds })
    if (!course.isRefusedForGood) return false
    log.info({ room: completion.roomId }, 'no server of a room takes our users for members: they are out')
    await abandonCompletion(this.#context.core.writer, completion)
    return true
  }

  /** Stores what came with the join, which is not kept any longer than needed; answers the state, if that is all of it. */
  async #storeGiven({ roomId }: Completion, course: Course): Promise<StoredState | undefined> {
    const { given } = course
    course.given = undefined
    if (given === undefined) return undefined
    const { state, authChain, isIncomplete } = given
    const stateIds = state.map(event => event.eventId)
    const learnt = await this.#fill(() => storeEvents(this.#context, roomId, [...authChain, ...state]))
    if (!isIncomplete) return { stateIds, learnt }
    course.partIds = stateIds
    return undefined
  }

  async #finish(completion: Completion, { stateIds, learnt }: StoredState): Promise<boolean> {
    const { core, log } = this.#context
    const progress = progressIn(log, { room: completion.roomId })
    let catchUp: CatchUp | undefined
    const options: CompletionOptions = {
      learnt,
      askState: askingStateBefore(this.#context, completion, {
        headOf: () => this.#headOf(completion),
        signal: this.#closing.signal,
      }),
      onProgress: (done, of) => progress('filling in', done, of),
      statements: async (head, was) => {
        catchUp = await this.#catchUp(missedPart(head, was, core.context.serverName))
        return catchUp.statements
      },
    }
    const isComplete = await this.#fill(() => completeRoom(core.writer, completion, stateIds, options))
    if (!isComplete) return true
    const head = await core.writer.head(completion.roomId)
    log.info({ room: completion.roomId, members: head?.joinedMembers }, 'all members of a room are known')
    await catchUp?.committed()
    return true
  }

  /** The room's head if it lacks members by this join still, and somebody here is in it. */
  async #headOf(completion: Completion): Promise<RoomHead | undefined> {
    const { core } = this.#context
    const head = await core.writer.head(completion.roomId)
    if (head === undefined || partialOf(head, completion) === undefined) return undefined
    if (head.hasHost(core.context.serverName) || this.#reopened.has(completion.joinEventId)) return head
    await abandonCompletion(core.writer, completion)
    return undefined
  }
}

/** The state at a join, stored. */
interface StoredState {
  /** The IDs of its events. */
  readonly stateIds: readonly string[]
  /** What is known of those of its members that were stored just now. */
  readonly learnt?: FullState['learnt']
}

/** The servers that turn out to be in a room, and from when on they were sent nothing. */
const missedPart = (head: RoomHead, was: PartialJoin, ownName: string): MissedPart => ({
  roomNid: head.room.nid,
  servers: head.joinedHosts().filter(host => host !== ownName && !was.servers.has(host)),
  since: was.stateAt + 1,
})
