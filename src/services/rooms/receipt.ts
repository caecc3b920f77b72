import type { RoomEvent, Verdict } from '../../core/event/event.ts'
import { isRecommended } from '../../core/policy-server.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { append, type Placement } from './append.ts'
import { isLinear, mayFollow } from './following.ts'
import { stateBeside } from './fork-placement.ts'
import {
  createEventOf,
  type Judgement,
  judgeByAuthEvents,
  judgeByState,
  refuseSecondCreate,
} from './judge-event.ts'
import { absentBefore, findAnew, isOutlier, unknownBefore } from './known-events.ts'
import { adoptMembers } from './partial-members.ts'
import { POLICY, placeReceived } from './place-received.ts'
import type { Received, ReceiveOptions } from './received.ts'
import type { RoomHead } from './room-head.ts'
import { policyServerOf } from './room-policy.ts'
import type { Draft, RoomWriter, Settled } from './room-writer.ts'
import { stateBeforeReceived } from './state-before-received.ts'
import { NO_DIFFERENCE, type StateOverlay } from './state-overlay.ts'
import { gapBefore, NO_GAP } from './timeline-gaps.ts'

/** What was looked up at once for events that are received together: which of their IDs are of stored events, and of redacted ones. */
export interface Foreknowledge {
  readonly stored: ReadonlySet<string>
  readonly redacted: ReadonlySet<string>
}

/** The receipt of one event over its room's head: the checks from the fourth on (`receive.ts`), and what they lead to. */
export class Receipt {
  readonly #writer: RoomWriter
  readonly #head: RoomHead
  readonly #event: RoomEvent
  readonly #options: ReceiveOptions
  readonly #isNew: boolean
  readonly #isUnnamed: boolean
  #createEvent: RoomEvent | undefined
  /** What stores members of whom the event tells in a room that lacks members. */
  #adopted: readonly WriteStatement[] = []

  /** How many positions of the stream its draft takes. */
  width = 0

  constructor(
    writer: RoomWriter,
    head: RoomHead,
    event: RoomEvent,
    { options, known }: { options: ReceiveOptions; known: Foreknowledge },
  ) {
    this.#writer = writer
    this.#head = head
    this.#event = event
    this.#options = options
    this.#isNew = !known.stored.has(event.eventId)
    this.#isUnnamed = !known.redacted.has(event.eventId)
  }

  /**
   * What is to be written, but for the room's ends.
   *
   * @param offset how many positions the same write set takes before
   */
  async draft(offset: number): Promise<Draft<Received> | Settled<Received>> {
    const event = this.#event
    const found = await findAnew(this.#writer.context, this.#head, this.#asked())
    const self = found.get(event.eventId)
    const roomNid = this.#head.room.nid
    const isPlaced = self !== undefined && !isOutlier(self)
    const isSettled = isPlaced && self.rejected === undefined && !this.#isReconsidered(self)
    if (self !== undefined && (self.roomNid !== roomNid || isSettled)) {
      return { settled: { outcome: 'duplicate' } }
    }
    // What belongs to another room is not there: its state must have no say in this one.
    const known = new Map([...found].filter(([, stored]) => stored.roomNid === roomNid))
    if (!isPlaced && this.#isPurged(known)) return { settled: { outcome: 'duplicate' } }
    const missing = this.#missing(known)
    if (missing !== undefined) return { settled: missing }
    const judgement = await this.#judge(known)
    const { rejected, softFailed, unrecommendedBy } = judgement
    if (isPlaced && rejected !== undefined) {
      return this.#withoutEvent({ outcome: 'rejected', reason: rejected.message })
    }
    if (softFailed !== undefined && this.#isReconsidered(self)) {
      return this.#withoutEvent({ outcome: 'soft-failed', reason: softFailed.message })
    }
    if (unrecommendedBy !== undefined) {
      return this.#withoutEvent({ outcome: 'unrecommended', policyServer: unrecommendedBy })
    }
    const judged = { event, judgement, known, self, createEvent: this.#createEvent, unnamed: this.#isUnnamed }
    const placement = await placeReceived(this.#writer.context, this.#head, judged)
    return this.#drafted(placement, judgement, offset)
  }

  /** The events to look up. Of a message that follows the room's ends it is known where it stands: these are here. */
  #asked(): readonly string[] {
    const { eventId, prevEvents, authEvents } = this.#event
    const isPlain = this.#isNew && !this.#head.hasUnfinished && mayFollow(this.#event, this.#head)
    return isPlain ? authEvents : [eventId, ...prevEvents, ...authEvents]
  }

  #isReconsidered(self: StoredEvent | undefined): boolean {
    return this.#options.reconsider === true && self?.softFailed === true && self.rejected === undefined
  }

  /** What has been learnt of members by the event is kept, even where the event itself is not. */
  #withoutEvent(outcome: Received): Draft<Received> | Settled<Received> {
    if (this.#adopted.length === 0) return { settled: outcome }
    return { statements: this.#adopted, nids: [], result: () => outcome }
  }

  #auth(known: ReadonlyMap<string, StoredEvent>): StoredEvent[] {
    return this.#event.authEvents.flatMap(eventId => known.get(eventId) ?? [])
  }

  #missing(known: ReadonlyMap<string, StoredEvent>): Received | undefined {
    const { stateBefore, authEventsUnavailable } = this.#options
    const authEvents =
      authEventsUnavailable === true ? [] : this.#event.authEvents.filter(eventId => !known.has(eventId))
    const isGapOpen = stateBefore === undefined && !this.#ignoresGap
    const prevEvents = isGapOpen ? unknownBefore(this.#event, this.#head, known) : []
    if (authEvents.length === 0 && prevEvents.length === 0) return undefined
    return { outcome: 'missing', prevEvents, authEvents }
  }

  /** Whether it was here before, or would have been, and went with the room's history: it does not come back. */
  #isPurged(known: ReadonlyMap<string, StoredEvent>): boolean {
    const isBeginning = this.#event.prevEvents.length === 0
    return this.#head.isBeyondPurge(this.#event) && (isBeginning || this.#absent(known).length > 0)
  }

  #absent(known: ReadonlyMap<string, StoredEvent>): string[] {
    return absentBefore(this.#event, this.#head, known)
  }

  async #judge(known: ReadonlyMap<string, StoredEvent>): Promise<Judgement> {
    const { read } = this.#writer.context
    this.#createEvent = await createEventOf(read, this.#head)
    const createEvent = this.#createEvent
    const judgeBy = (state: StateOverlay) =>
      judgeByState(read, this.#head, this.#event, { state, createEvent })
    const linear =
      this.#options.stateBefore === undefined && !this.#ignoresGap && isLinear(this.#event, this.#head)
    const { context } = this.#writer
    const referring = { event: this.#event, known, options: this.#options }
    const before = linear ? undefined : await stateBeforeReceived(context, this.#head, referring)
    const awaits = this.#event.authEvents.filter(eventId => {
      const authEvent = known.get(eventId)
      return authEvent === undefined || authEvent.rejected !== undefined
    })
    // 4. and 5.
    const refusal = judgeByAuthEvents(this.#event, known, createEvent)
    if (refusal === undefined)
      this.#adopted = adoptMembers(this.#writer.context, this.#head, this.#auth(known))
    // Where nobody tells of the state before it, its auth events are what is known of that.
    const isTold = this.#options.gapStays !== true
    const rejected = refusal ?? (isTold ? await judgeBy(before ?? NO_DIFFERENCE) : undefined)
    if (rejected !== undefined) return { before, rejected, softFailed: undefined, awaits }
    // 6. MSC3902, of rooms that lack members: "no attempt is made to perform a soft fail check"; but who is known to be
    // banned is not heard.
    const isBanned = this.#head.memberships.get(this.#event.sender) === 'ban'
    const isChecked = before !== undefined && (this.#head.partial === undefined || isBanned)
    const softFailed =
      refuseSecondCreate(this.#event, createEvent) ??
      (isChecked ? await this.#judgeByPresent(judgeBy, before) : undefined)
    const judgement = { before, rejected, softFailed, awaits: [] }
    return softFailed === undefined ? { ...judgement, ...(await this.#judgeByPolicy()) } : judgement
  }

  /**
   * Beyond a gap that was not bridged, what the peer tells of the state there, or the event's auth events do, is as much of the room's present as what is here:
   * who has joined in between is a member, unless that does not come through against what this server knows.
   */
  async #judgeByPresent(
    judgeBy: (state: StateOverlay) => Promise<Verdict>,
    before: StateOverlay,
  ): Promise<Verdict> {
    const verdict = await judgeBy(NO_DIFFERENCE)
    const { stateBefore, gapStays } = this.#options
    if (verdict === undefined || (stateBefore === undefined && gapStays !== true)) return verdict
    return judgeBy(await stateBeside(this.#writer.context, this.#head, before))
  }

  /** 7. */
  async #judgeByPolicy(): Promise<Partial<Judgement>> {
    if (this.#options.withoutPolicy === true) return {}
    const policy = await policyServerOf(this.#writer.context, this.#head)
    if (policy === undefined || isRecommended(this.#event, policy)) return {}
    const { notRecommended: message } = this.#options
    return message === undefined ? { unrecommendedBy: policy.via } : { softFailed: { rule: POLICY, message } }
  }

  get #ignoresGap(): boolean {
    const { gapStays, onCurrentState } = this.#options
    return gapStays === true || (onCurrentState === true && this.#head.partial !== undefined)
  }

  async #drafted(
    placement: Placement,
    { rejected, softFailed }: Judgement,
    offset: number,
  ): Promise<Draft<Received>> {
    const { context } = this.#writer
    const accepted = rejected === undefined && softFailed === undefined
    const { missingPrevEvents = [] } = placement
    const gap = accepted ? await gapBefore(context, this.#head, this.#event, missingPrevEvents) : NO_GAP
    const { reserved } = gap
    const appended = await append(context, this.#head, { ...placement, reserved }, offset)
    this.width = reserved + 1
    return {
      statements: [
        ...this.#adopted,
        // First: an event that was missing closes gaps with what is written of it, but not one before itself.
        ...gap.statements({ stream: 'events', offset: offset + reserved }),
        ...appended.statements,
        ...((accepted ? this.#options.statements?.(appended.nid) : undefined) ?? []),
      ],
      nids: [appended.nid, ...appended.touched],
      result: ({ positions: { events: first = 0 } }) => {
        appended.settle(first)
        if (rejected !== undefined) return { outcome: 'rejected', reason: rejected.message }
        if (softFailed !== undefined) return { outcome: 'soft-failed', reason: softFailed.message }
        return { outcome: 'accepted', position: first + offset + reserved }
      },
    }
  }
}
