import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { DelayedEvent, Outcome } from '../../storage/rooms/delayed-events.ts'
import { GuardFailed, type RoomWriter } from '../rooms/room-writer.ts'
import type { Sending } from '../rooms/sending.ts'

/** "The recommended strategy is to retain finalised events for up to 7 days or 1000 events per user." */
const KEPT_MS = 7 * 86_400_000
const KEPT_PER_USER = 1_000

/** So long an event is tried again that could not be sent for no fault of its own. */
const PATIENCE_MS = 60 * 60_000
/** Who sends an event takes no longer, if all goes well. */
const SENDING_MS = 1_000

/** What delayed events come to: sent, cancelled, or refused. `hold` says that whoever does it still holds the row. */
export class DelayedDelivery {
  readonly #writer: RoomWriter
  readonly #sending: Sending
  readonly #standing: (userId: string) => Promise<MatrixError | undefined>
  readonly #isUnheard: (userId: string) => Promise<boolean>
  /** What was due before is late because nobody was there to send it. */
  readonly #startedTs: number

  constructor(parts: {
    writer: RoomWriter
    sending: Sending
    standing(userId: string): Promise<MatrixError | undefined>
    isUnheard(userId: string): Promise<boolean>
  }) {
    this.#writer = parts.writer
    this.#sending = parts.sending
    this.#standing = parts.standing
    this.#isUnheard = parts.isUnheard
    this.#startedTs = parts.writer.context.clock.now()
  }

  /**
   * "If a delayed event fails to be sent at its scheduled send time …, the event will be stored as a finalised delayed event." What fails
   * for now alone (the room is written to by too many, another server does not answer) stays scheduled, and throws. What is due after it
   * in that room waits for it, or of two changes of one state the first would be the one that holds.
   */
  async sendAtItsTime(delayed: DelayedEvent, hold: readonly WriteStatement[]): Promise<void> {
    const { read, clock } = this.#writer.context
    if (await read.delayedEvents.isBehind(delayed, clock.now() - SENDING_MS)) return
    if (await this.#isUnheard(delayed.userId)) return void (await this.pretend(delayed, hold))
    try {
      const refusal = await this.#standing(delayed.userId)
      if (refusal !== undefined) throw refusal
      await this.send(delayed, hold)
    } catch (error) {
      if (!(error instanceof MatrixError) || this.#mayStillBeSent(delayed, error)) throw error
      await this.finalise(delayed, { error: error.body }, hold)
    }
  }

  /** A rate limit is final: "the homeserver SHOULD NOT retry sending the event". */
  #mayStillBeSent({ scheduledTs, delayMs }: DelayedEvent, { status }: MatrixError): boolean {
    const since = Math.max(scheduledTs + delayMs, this.#startedTs)
    return status >= 500 && this.#writer.context.clock.now() - since < PATIENCE_MS
  }

  /** Whether it was sent now, and not before or never. */
  async send(delayed: DelayedEvent, hold: readonly WriteStatement[] = []): Promise<boolean> {
    const {
      userId,
      deviceId,
      roomId,
      type,
      stateKey,
      content,
      delayId,
      stickyMs,
      originServerTs: ts,
    } = delayed
    const requester = { userId, deviceId, tokenId: '', isGuest: false, isAdmin: false }
    const delivery = {
      transaction: { userId, deviceId: '', scope: 'delayed', txnId: delayId },
      statements: (eventId: string) => [...hold, ...this.#finalising(delayed, { eventId })],
    }
    try {
      const { eventId, position } =
        stateKey === undefined
          ? await this.#sending.message(
              requester,
              { roomId, type, content, txnId: delayId, ts, stickyMs },
              delivery,
            )
          : await this.#sending.state(requester, { roomId, type, stateKey, content, ts, stickyMs }, delivery)
      return position !== undefined || (await this.finalise(delayed, { eventId }, hold))
    } catch (error) {
      // It was cancelled, put off or sent by somebody else at this moment.
      if (error instanceof GuardFailed) return false
      throw error
    }
  }

  /** Has it seem to be sent, for those whom nobody is to hear. Whether it seems so by this, and was not final before. */
  pretend(delayed: DelayedEvent, hold: readonly WriteStatement[] = []): Promise<boolean> {
    const eventId = `$${Buffer.from(this.#writer.context.random(32)).toString('base64url')}`
    return this.finalise(delayed, { eventId }, hold)
  }

  #finalising(delayed: DelayedEvent, outcome: Omit<Outcome, 'finalisedTs'>) {
    const { write, clock } = this.#writer.context
    const finalisedTs = clock.now()
    return write.delayedEvents.finalise(
      delayed,
      { ...outcome, finalisedTs },
      { expired: finalisedTs - KEPT_MS, keep: KEPT_PER_USER },
    )
  }

  /** Without an event and an error it is cancelled. Answers whether it was not final before. */
  async finalise(
    delayed: DelayedEvent,
    outcome: { eventId?: string; error?: JsonObject },
    hold: readonly WriteStatement[] = [],
  ): Promise<boolean> {
    const statements = [...hold, ...this.#finalising(delayed, outcome)]
    return (await this.#writer.context.db.commit({ statements })).ok
  }
}
