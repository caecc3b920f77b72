import { MatrixError } from '../../core/errors.ts'
import { boundedSticky } from '../../core/event/stickiness.ts'
import type { DelayedEvent as StoredDelayedEvent } from '../../storage/rooms/delayed-events.ts'
import { DueWork } from '../due-work.ts'
import type { Requester } from '../requester.ts'
import { checkGuestMembership } from '../rooms/guest-memberships.ts'
import type { RoomWriter } from '../rooms/room-writer.ts'
import { type Sending, suspended } from '../rooms/sending.ts'
import { DelayedDelivery } from './delivery.ts'
import { checkRequest, type DelayedEventLimits, limitReached, type ToBeDelayed } from './limits.ts'
import { type FinalisedView, finalisedView, type ScheduledView, scheduledView, wholeView } from './views.ts'

/** Final ones in one answer. */
const PAGE_SIZE = 100

/** "Homeservers MAY add up to 30 seconds to the scheduled send time": with some left for sending. */
const MAX_LATE_MS = 25_000

export type DelayedEventAction = 'send' | 'cancel' | 'restart'

/** Which delayed events to list. */
export interface DelayedEventQuery {
  readonly status?: 'scheduled' | 'finalised' | undefined
  readonly delayIds?: readonly string[] | undefined
  readonly from?: string | undefined
}

export interface DelayedEventList {
  readonly delayed_events: readonly ScheduledView[]
  readonly scheduled?: readonly ScheduledView[]
  readonly finalised?: readonly FinalisedView[]
  readonly next_batch?: string
}

/** Sends events when their time has come, unless they are cancelled or put off before (MSC4140). */
export class DelayedEvents {
  readonly #writer: RoomWriter
  readonly #limits: DelayedEventLimits
  readonly #delivery: DelayedDelivery
  readonly #due: DueWork

  constructor(parts: {
    writer: RoomWriter
    sending: Sending
    limits: DelayedEventLimits
    /** Why a user may not send anything any more; `undefined` for accounts in order. */
    standing(userId: string): Promise<MatrixError | undefined>
    /** Whether what a user sends is to reach nobody, without their knowing. */
    isUnheard(userId: string): Promise<boolean>
  }) {
    this.#writer = parts.writer
    this.#limits = parts.limits
    this.#delivery = new DelayedDelivery(parts)
    const { db, clock, log } = parts.writer.context
    this.#due = new DueWork({
      ...{ database: db, clock, log },
      table: { name: 'delayed_events', key: 'delay_id', lane: 'user_id' },
      maxLateMs: MAX_LATE_MS,
      perform: async (held, rows) => {
        const delayed = await this.#writer.context.read.delayedEvents.byId(held.key)
        if (delayed !== undefined) await this.#delivery.sendAtItsTime(delayed, [rows.stillHeld(held)])
      },
    })
  }

  start(): void {
    this.#due.start()
  }

  close(): Promise<void> {
    return this.#due.close()
  }

  /** The capability that will be `m.delayed_events`. */
  get capability(): { max_delay_ms: number; max_scheduled: number } {
    return { max_delay_ms: this.#limits.maxDelay, max_scheduled: this.#limits.maxScheduled }
  }

  /**
   * Stores an event that is sent after `delayMs`; once for each transaction ID of the device, where there is one.
   * Throws `M_INVALID_PARAM`, `M_FORBIDDEN` (delay too long, or none allowed at all), `M_USER_SUSPENDED`, `M_GUEST_ACCESS_FORBIDDEN`,
   * `M_LIMIT_EXCEEDED`, `M_TOO_LARGE`.
   */
  async schedule(requester: Requester, wanted: ToBeDelayed): Promise<{ delayId: string }> {
    const { db, read, write, clock, random } = this.#writer.context
    checkRequest(wanted, this.#limits)
    if (requester.isSuspended) throw suspended()
    const { roomId, type, stateKey, content, delayMs, stickyMs, ts, txnId } = wanted
    if (stateKey !== undefined) checkGuestMembership(requester, { type, stateKey, content })
    const { userId, deviceId } = requester
    const transaction =
      txnId === undefined
        ? undefined
        : { userId, deviceId: deviceId ?? '', scope: `delay ${roomId} ${type}`, txnId }
    const before = transaction && (await read.transactions.eventOf(transaction))
    if (before !== undefined) return { delayId: before }
    const now = clock.now()
    const delayed: StoredDelayedEvent = {
      delayId: `delay_${Buffer.from(random(24)).toString('base64url')}`,
      ...{ userId, deviceId, roomId, type, stateKey, content, delayMs },
      stickyMs: boundedSticky(stickyMs),
      originServerTs: ts,
      scheduledTs: now,
      ...{ finalisedTs: undefined, eventId: undefined, error: undefined },
    }
    const remember = transaction && write.transactions.remember(transaction, { id: delayed.delayId }, now)
    const insert = write.delayedEvents.insert(delayed, this.#limits.maxScheduled)
    const result = await db.commit({ statements: [...(remember ? [remember] : []), insert] })
    if (!result.ok) {
      const faster = transaction && (await read.transactions.eventOf(transaction))
      if (faster !== undefined) return { delayId: faster }
      throw limitReached(now, await read.delayedEvents.soonest(userId))
    }
    this.#due.expect(now + delayMs)
    return { delayId: delayed.delayId }
  }

  /**
   * Sends, cancels or restarts. What was asked for and has happened already is a success; what conflicts with the outcome
   * throws `M_UNKNOWN` (409). Throws `M_NOT_FOUND`, and as sending does; then it stays scheduled.
   */
  async act(requester: Requester, delayId: string, action: DelayedEventAction): Promise<void> {
    const delayed = await this.#current(requester, delayId)
    if (delayed.finalisedTs === undefined) {
      if (await this.#actOn(delayed, action, requester)) return
    }
    // It was final already, or has become so at this moment.
    const outcome = await this.#current(requester, delayId)
    const wasSent = outcome.eventId !== undefined
    if (action === 'restart' && wasSent) throw notFound()
    if (action !== (wasSent ? 'send' : 'cancel')) {
      const what = wasSent ? 'sent' : 'cancelled'
      throw new MatrixError('M_UNKNOWN', `The delayed event has been ${what} already`, { status: 409 })
    }
  }

  /** One delayed event of the requester. Throws `M_NOT_FOUND`. */
  async get(requester: Requester, delayId: string): Promise<ReturnType<typeof wholeView>> {
    return wholeView(await this.#current(requester, delayId))
  }

  /** The requester's delayed events: scheduled ones in the order of their times, final ones page by page from the last. */
  async list(requester: Requester, query: DelayedEventQuery): Promise<DelayedEventList> {
    const { status, delayIds, from } = query
    const isWanted = ({ delayId }: StoredDelayedEvent): boolean => delayIds?.includes(delayId) ?? true
    const { delayedEvents } = this.#writer.context.read
    const scheduled =
      status === 'finalised' ? [] : await delayedEvents.scheduled(requester.userId, this.#limits.maxScheduled)
    const shown = scheduled.filter(isWanted).map(scheduledView)
    if (status === 'scheduled') return { delayed_events: shown, scheduled: shown }
    const { upTo, skip } = pageFrom(from, this.#writer.context.clock.now())
    const found = await delayedEvents.finalised(requester.userId, {
      ...{ upTo, skip },
      limit: PAGE_SIZE + 1,
    })
    return {
      delayed_events: shown,
      ...(status === undefined ? { scheduled: shown } : {}),
      finalised: found.slice(0, PAGE_SIZE).filter(isWanted).map(finalisedView),
      ...(found.length > PAGE_SIZE ? { next_batch: `${upTo}.${skip + PAGE_SIZE}` } : {}),
    }
  }

  /** A delayed event as it stands. Throws `M_NOT_FOUND`, also for other users'. */
  async #current(requester: Requester, delayId: string): Promise<StoredDelayedEvent> {
    const delayed = await this.#writer.context.read.delayedEvents.byId(delayId)
    if (delayed === undefined || delayed.userId !== requester.userId) throw notFound()
    return delayed
  }

  /** Whether it was done; otherwise it has become final in the meantime. */
  async #actOn(
    delayed: StoredDelayedEvent,
    action: DelayedEventAction,
    { isShadowBanned }: Requester,
  ): Promise<boolean> {
    const { db, write, clock } = this.#writer.context
    if (action === 'cancel') return this.#delivery.finalise(delayed, {})
    if (action === 'send')
      return isShadowBanned ? this.#delivery.pretend(delayed) : this.#delivery.send(delayed)
    const now = clock.now()
    const result = await db.commit({ statements: [write.delayedEvents.restart(delayed, now)] })
    this.#due.expect(now + delayed.delayMs)
    return result.ok
  }
}

const notFound = (): MatrixError => new MatrixError('M_NOT_FOUND', 'There is no such delayed event')

const pageFrom = (token: string | undefined, now: number): { upTo: number; skip: number } => {
  if (token === undefined) return { upTo: now, skip: 0 }
  const [, upTo, skip] = /^(\d{1,15})\.(\d{1,4})$/.exec(token) ?? []
  if (upTo === undefined) throw new MatrixError('M_INVALID_PARAM', '`from` is no token of this list')
  return { upTo: Number(upTo), skip: Number(skip) }
}
