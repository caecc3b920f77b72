/** The two ways in which clients are told what is new. */
import type { JsonObject } from '../../core/json.ts'
import type { SeededRandom } from '../seeded-random.ts'
import type { Belief, Body } from './belief.ts'

/** What a client is answered. */
export interface Answer {
  readonly status: number
  readonly body: Body
}

/** A request of a client. */
export interface Question {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly json?: JsonObject
}

/** A loop of requests, each of which goes on where the answer before has ended. */
export interface Dialect {
  question(): Question
  /** Believes what was answered to the last question. Throws if it is no answer to it. */
  take(answer: Answer): void
}

export const at = (text: string): string => encodeURIComponent(text)

const unexpected = ({ status, body }: Answer): Error =>
  new Error(`what is new was answered with ${status}: ${JSON.stringify(body)}`)

/** `/sync`. */
export class PlainSync implements Dialect {
  readonly #belief: Belief
  readonly #isLazy: boolean
  readonly #isClassic: boolean
  readonly #filter: string
  #since: string | undefined

  constructor(
    belief: Belief,
    { isLazy, isClassic, limit }: { isLazy: boolean; isClassic: boolean; limit: number },
  ) {
    this.#belief = belief
    this.#isLazy = isLazy
    this.#isClassic = isClassic
    this.#filter = JSON.stringify({ room: { timeline: { limit }, state: { lazy_load_members: isLazy } } })
  }

  question(): Question {
    const since = this.#since === undefined ? '' : `&since=${at(this.#since)}`
    const query = `timeout=0&use_state_after=${!this.#isClassic}&filter=${at(this.#filter)}${since}`
    return { method: 'GET', path: `/sync?${query}` }
  }

  take(answer: Answer): void {
    const { status, body } = answer
    if (status !== 200) throw unexpected(answer)
    if (this.#since === undefined) this.#belief.beginAnew()
    this.#since = body.next_batch
    this.#belief.takeMessages(body.to_device?.events)
    this.#belief.takeDeviceLists(body.device_lists)
    this.#belief.takeKeyCounts(body.device_one_time_keys_count)
    this.#belief.takeSettings('', body.account_data?.events)
    this.#belief.takePresence(body.presence?.events)
    for (const [roomId, room] of Object.entries<Body>(body.rooms?.join ?? {})) this.#follow(roomId, room)
    // Whoever was removed and invited again before they looked is told of the invitation.
    for (const membership of ['leave', 'invite', 'knock'])
      for (const roomId of Object.keys(body.rooms?.[membership] ?? {})) this.#belief.notIn(roomId, membership)
  }

  #follow(roomId: string, told: Body): void {
    const room = this.#belief.room(roomId)
    const state = this.#isClassic
      ? [...(told.state?.events ?? []), ...told.timeline.events.filter(isState)]
      : told.state_after?.events
    // A room that lacked members is shown from its beginning to whoever does not load them lazily, once it has them.
    const isWhole = state?.some(({ type }: Body) => type === 'm.room.create')
    const anew = told.timeline.limited === true || (isWhole && !this.#isLazy)
    this.#belief.takeTimeline(room, told.timeline.events, { anew })
    this.#belief.takeState(room, state)
    this.#belief.takeEphemeral(room, told.ephemeral?.events)
    this.#belief.takeSettings(roomId, told.account_data?.events)
    room.joinedCount = told.summary?.['m.joined_member_count'] ?? room.joinedCount
    room.unread = told.unread_notifications ?? room.unread
  }
}

const isState = ({ state_key: key }: Body): boolean => key !== undefined

/** How many rooms a window may show; more than anybody is in. */
const ALL = 9
/** How much of a room a window shows. */
const LIMITS = [1, 3, 20, 20]

const UNSTABLE = '/_matrix/client/unstable/org.matrix.simplified_msc3575'

/** Sliding sync, in the form that clients speak today. */
export class SlidingSync implements Dialect {
  readonly #belief: Belief
  readonly #random: SeededRandom
  readonly #requiredState: string[][]
  #pos: string | undefined
  /** How far the messages for the device have come, which outlasts the connection. */
  #since: string | undefined
  /** Whether the window showed but the newest of rooms. */
  #isNarrow = false

  constructor(belief: Belief, { isLazy, random }: { isLazy: boolean; random: SeededRandom }) {
    this.#belief = belief
    this.#random = random
    this.#requiredState = [['*', '*'], ...(isLazy ? [['m.room.member', '$LAZY']] : [])]
  }

  /** A window on all rooms, or on one while the others it knows are subscribed to: of none it knows anything is missed. */
  question(): Question {
    this.#isNarrow = !this.#isNarrow && this.#random.chance(0.3)
    const config = (): JsonObject => ({
      timeline_limit: this.#random.pick(LIMITS),
      required_state: this.#requiredState,
    })
    const known = this.#isNarrow || this.#random.chance(0.2) ? [...this.#belief.rooms.keys()] : []
    const json = {
      lists: { rooms: { ...config(), ranges: [[0, this.#isNarrow ? 0 : ALL]] } },
      room_subscriptions: Object.fromEntries(known.map(roomId => [roomId, config()])),
      extensions: {
        to_device: { enabled: true, ...(this.#since === undefined ? {} : { since: this.#since }) },
        ...{ e2ee: { enabled: true }, account_data: { enabled: true } },
        ...{ receipts: { enabled: true }, typing: { enabled: true } },
      },
    }
    const pos = this.#pos === undefined ? '' : `&pos=${at(this.#pos)}`
    return { method: 'POST', path: `${UNSTABLE}/sync?timeout=0${pos}`, json }
  }

  take(answer: Answer): void {
    const { status, body } = answer
    if (body.errcode === 'M_UNKNOWN_POS') {
      this.#pos = undefined
      return
    }
    if (status !== 200) throw unexpected(answer)
    if (this.#pos === undefined) this.#belief.beginAnew()
    this.#pos = body.pos
    const { to_device: toDevice, e2ee, account_data: settings, receipts, typing } = body.extensions
    this.#since = toDevice.next_batch
    this.#belief.takeMessages(toDevice.events)
    this.#belief.takeDeviceLists(e2ee.device_lists)
    this.#belief.takeKeyCounts(e2ee.device_one_time_keys_count)
    for (const [roomId, room] of Object.entries<Body>(body.rooms)) this.#follow(roomId, room)
    this.#belief.takeSettings('', settings.global)
    for (const [roomId, events] of Object.entries<Body>(settings.rooms))
      this.#belief.takeSettings(roomId, events)
    for (const extension of [receipts, typing]) {
      for (const [roomId, event] of Object.entries<Body>(extension.rooms)) {
        const room = this.#belief.rooms.get(roomId)
        if (room === undefined) throw new Error(`${roomId} has ${event.type}, and was not told of`)
        this.#belief.takeEphemeral(room, [event])
      }
    }
  }

  #follow(roomId: string, told: Body): void {
    const { membership = 'join' } = told
    if (membership !== 'join') {
      this.#belief.notIn(roomId, membership)
      return
    }
    if (told.initial === true) this.#belief.rooms.delete(roomId)
    if (told.initial !== true && !this.#belief.rooms.has(roomId))
      throw new Error(`${roomId} goes on, and has not begun`)
    const room = this.#belief.room(roomId)
    const anew = told.limited === true || told.expanded_timeline === true
    this.#belief.takeTimeline(room, told.timeline, { anew })
    this.#belief.takeState(room, told.required_state)
    room.joinedCount = told.joined_count ?? room.joinedCount
    if (told.name !== undefined) room.name = told.name ?? undefined
  }
}
