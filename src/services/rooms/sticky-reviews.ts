import { MatrixError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { NewsPoint } from '../../storage/rooms/kept-news.ts'
import { StreamFollower } from '../stream-follower.ts'
import { receiveRecommended } from './receive-recommended.ts'
import type { RoomWriter } from './room-writer.ts'

/** Sticky events of one room that are judged anew in one go. */
const MAX_REVIEWED = 200

const FOLLOWER = 'sticky reviews'

/** State that says what somebody may send, whoever they are. */
const FOR_ALL: ReadonlySet<string> = new Set(['m.room.power_levels', 'm.room.join_rules'])

/**
 * Judges sticky events (MSC4354) anew that were soft-failed: "to ensure all servers agree on which events are sticky, we
 * need to re-evaluate this rule when the current room state changes". What is allowed now enters the timeline now. Until
 * a sticky event comes, nothing is looked at.
 */
export class StickyReviews {
  readonly #writer: RoomWriter
  readonly #log: Log
  readonly #follower: StreamFollower

  constructor(parts: { writer: RoomWriter; log: Log }) {
    this.#writer = parts.writer
    this.#log = parts.log
    const { db: database, clock, processes } = parts.writer.context
    this.#follower = new StreamFollower({
      ...{ name: FOLLOWER, stream: 'events', database, clock, log: parts.log, noteEvery: 1_000 },
      sole: processes.soleWork(FOLLOWER),
      work: (after, upTo) => this.#follow(after, upTo),
      passesOver: (after, upTo) => this.#writer.context.read.news.isKnownPlain(after, upTo),
    })
  }

  start(): void {
    this.#follower.start()
  }

  close(): Promise<void> {
    return this.#follower.close()
  }

  /** Resolves when what has happened so far is looked at. */
  caughtUp(): Promise<void> {
    return this.#follower.caughtUp()
  }

  async #follow(after: number, upTo: number): Promise<number> {
    const { read, clock } = this.#writer.context
    const live = await read.sticky.live(clock.now())
    if (live.size === 0) return upTo
    const points = await read.news.points(after, upTo)
    // After a pause it is not known what has changed.
    const rooms = points === undefined ? live.keys() : new Set(points.filter(rules).map(one => one.roomNid))
    for (const roomNid of rooms) {
      if (!live.has(roomNid)) continue
      await this.#review(
        roomNid,
        points?.filter(point => rules(point) && point.roomNid === roomNid),
      ).catch(err => this.#log.error({ err, room: roomNid }, 'sticky events could not be judged anew'))
    }
    return upTo
  }

  /** @param changed points of the state; `undefined` where any may have */
  async #review(roomNid: number, changed: readonly NewsPoint[] | undefined): Promise<void> {
    const { read, clock } = this.#writer.context
    const isForAll = changed?.some(({ type }) => FOR_ALL.has(type)) ?? true
    const members = new Set(changed?.map(({ stateKey }) => stateKey))
    const softFailed = await read.sticky.softFailed(roomNid, clock.now(), MAX_REVIEWED)
    const concerned = softFailed.filter(({ sender }) => isForAll || members.has(sender))
    for (const { event } of await read.events.byNids(concerned.map(({ nid }) => nid))) {
      const options = { reconsider: true }
      const { outcome } = await receiveRecommended(this.#writer, event, options).catch(error => {
        if (error instanceof MatrixError) return { outcome: error.errcode }
        throw error
      })
      if (outcome === 'accepted')
        this.#log.info({ event: event.eventId }, 'a sticky event is shown after all')
    }
  }
}

const rules = ({ type }: NewsPoint): boolean => type === 'm.room.member' || FOR_ALL.has(type)
