import type { JsonObject } from '../../core/json.ts'
import type { PusherRow } from '../../storage/push/pushers.ts'
import { dueDeliveries, type PushPlace } from './due-deliveries.ts'
import {
  type Announced,
  type BadgeCounts,
  badgeNotification,
  countsByItself,
  eventNotification,
} from './push-message.ts'
import { NothingTaken, NotTaken, Retries } from './retries.ts'
import type { WorkerContext } from './worker-context.ts'

/** After so many that a gateway refuses, one after another, it is taken for one that takes nothing. */
const MAX_REFUSED = 5
/** A call of a moment ago still rings; then it is missed. */
const RINGS_MS = 60_000

/**
 * Sends one pusher what it has not been sent, one after another, from the position that is stored. A notification may
 * be sent twice, when the process ends just after; "duplicate suppression … using the event_id" is the gateway's part.
 */
export class PushWorker {
  readonly #context: WorkerContext
  #pusher: PusherRow
  #at: PushPlace
  /** What the badge says, as far as this process has told. */
  #badge: BadgeCounts | undefined
  /** `if less`: what it says is told only where that is less than before. */
  #badgeIsOld: boolean | 'if less' = false
  #hasNews = true
  readonly #retries: Retries
  /** The pusher was set again since it was read. */
  #isRenewed = false
  #running: Promise<void> | undefined

  constructor(context: WorkerContext, pusher: PusherRow) {
    this.#context = context
    this.#pusher = pusher
    this.#retries = new Retries(context)
    this.#at = { events: pusher.eventPosition, invites: pusher.invitePosition }
  }

  /** Settles when its work of now has ended. */
  get settled(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  /** There may be something to send. */
  wake(): void {
    this.#hasNews = true
    this.#retries.hasMore()
    this.#start()
  }

  /** The pusher was set again: what is said of it may be another, and whoever sets it can take something now. */
  renewed({ updatedTs }: Pick<PusherRow, 'updatedTs'>): void {
    if (updatedTs === this.#pusher.updatedTs) return
    this.#isRenewed = true
    this.#retries.hurry()
  }

  /** The user has read something. */
  badgeChanged(isOld: true | 'if less' = true): void {
    if (this.#badgeIsOld !== true) this.#badgeIsOld = isOld
    // What was refused may be read by now.
    this.#retries.hasMore()
    this.#start()
  }

  /** Something that the user has perhaps not read may be gone. What has come beside that is told by its own notification. */
  relieved(): void {
    const { unread, missedCalls } = this.#badge ?? {}
    // What is just being told may say more than what was told last.
    if (this.#running !== undefined || unread !== 0 || missedCalls !== 0) this.badgeChanged('if less')
  }

  #start(): void {
    if (this.#running !== undefined || this.#context.closing.aborted) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      if (this.#hasNews || this.#badgeIsOld) this.#start()
    })
  }

  async #run(): Promise<void> {
    const { closing, troubles } = this.#context
    while ((this.#hasNews || this.#badgeIsOld) && !closing.aborted) {
      try {
        if (!(await this.#reload())) return
        await this.#sendNews()
        await this.#sendBadge()
        this.#retries.taken()
      } catch (error) {
        if (closing.aborted) return
        if (error instanceof NotTaken) {
          if (this.#retries.failed(error)) await this.#giveUp()
          troubles.failed(this.#pusher, error.cause)
        } else troubles.unserved(this.#pusher, error)
        if (!this.#isRenewed) await this.#retries.pause(error instanceof NotTaken ? 'gateway' : 'own')
      }
    }
  }

  /**
   * Reads the pusher again: it may have been changed or removed. Answers whether it is still there, and its user may hear of anything:
   * what comes while an account is locked is not for whoever holds the device, nor told later.
   */
  async #reload(): Promise<boolean> {
    this.#isRenewed = false
    const row = await this.#context.pushers.read.one(this.#pusher)
    if (row === undefined) {
      this.#hasNews = false
      this.#badgeIsOld = false
      return false
    }
    this.#pusher = row
    // One that was removed and set again starts from there.
    this.#at = {
      events: Math.max(this.#at.events, row.eventPosition),
      invites: Math.max(this.#at.invites, row.invitePosition),
    }
    if (!row.isLocked) return true
    this.#hasNews = false
    this.#badgeIsOld = false
    await this.#reached(this.#end, true)
    return false
  }

  /**
   * Some of it: before the next the pusher is read again. What the gateway refuses is passed over as soon as it takes another, so that
   * nothing that it cannot read holds up all that comes after.
   */
  async #sendNews(): Promise<void> {
    if (!this.#hasNews) return
    this.#hasNews = false
    this.#retries.begun()
    const { reading, closing } = this.#context
    const due = await reading.run(closing, () => dueDeliveries(this.#context, this.#pusher.userId, this.#at))
    const refused: NotTaken[] = []
    for (const { event, ...at } of due) {
      // Whatever is left is looked for again, should this fail.
      this.#hasNews = true
      try {
        if (event !== undefined && !(await this.#sendEvent(event))) return
      } catch (error) {
        if (!(error instanceof NotTaken && error.isRefusal)) throw error
        if (refused.push(error) === MAX_REFUSED) throw new NothingTaken(error.message, { cause: error.cause })
        continue
      }
      if (event !== undefined)
        for (const { cause } of refused.splice(0)) this.#context.troubles.failed(this.#pusher, cause)
      if (refused.length === 0) await this.#reached(at, event !== undefined)
    }
    const [first] = refused
    if (first !== undefined) throw first
  }

  async #reached(at: PushPlace, isSent: boolean): Promise<void> {
    this.#at = at
    const { db, pushers } = this.#context
    // What was not sent needs no note: it is found again not to be for the gateway.
    if (isSent) await db.commit({ statements: [pushers.write.reached(this.#pusher, at)] })
  }

  /** Answers whether the pusher is still there. */
  async #sendEvent(event: Announced): Promise<boolean> {
    const { details } = this.#context
    const send = (counts: BadgeCounts | undefined): Promise<boolean> =>
      this.#notify(eventNotification(this.#pusher, event, counts, details))
    return countsByItself(this.#pusher) ? send(undefined) : this.#telling(send)
  }

  async #sendBadge(): Promise<void> {
    const isOld = this.#badgeIsOld
    if (isOld === false) return
    if (countsByItself(this.#pusher)) {
      this.#badgeIsOld = false
      return
    }
    await this.#telling(async counts => {
      const { unread = Infinity, missedCalls = Infinity } = this.#badge ?? {}
      if (counts.unread === unread && counts.missedCalls === missedCalls) return true
      if (isOld === 'if less' && counts.unread >= unread && counts.missedCalls >= missedCalls) return false
      return this.#notify(badgeNotification(this.#pusher, counts)).catch(error => {
        // Not every gateway knows notifications without an event.
        if (error instanceof NotTaken && error.isRefusal) return true
        throw error
      })
    })
  }

  /** Tells the counts as they are now; answers what `tell` does: whether they were told, to a pusher that is still there. */
  async #telling(tell: (counts: BadgeCounts) => Promise<boolean>): Promise<boolean> {
    // Before they are read: what the user reads from here on, while the gateway is told, has the badge told anew.
    this.#badgeIsOld = false
    try {
      const counts = await this.#counts()
      const isThere = await tell(counts)
      if (isThere) this.#badge = counts
      return isThere
    } catch (error) {
      this.#badgeIsOld = true
      throw error
    }
  }

  /** Where nothing is left to be sent. */
  get #end(): PushPlace {
    const { counted, db } = this.#context
    return { events: Math.min(counted(), db.position('events')), invites: db.position('invites') }
  }

  #counts(): Promise<BadgeCounts> {
    const { unread, actions, clock, reading, closing } = this.#context
    const { userId } = this.#pusher
    return reading.run(closing, async () => ({
      unread: await unread.badge(userId),
      missedCalls: await actions.missedCalls(userId, clock.now() - RINGS_MS),
    }))
  }

  /** Answers whether the gateway still knows the key: "homeservers must … remove the associated pushers". */
  async #notify(notification: JsonObject): Promise<boolean> {
    const { gateway, db, pushers, log, closing } = this.#context
    const { url } = JSON.parse(this.#pusher.data) as { url: string }
    const rejected = await gateway.notify(url, notification, closing).catch((cause: unknown) => {
      throw new NotTaken('not taken', { cause })
    })
    this.#retries.taken()
    if (!rejected.includes(this.#pusher.pushkey)) return true
    const { appId, userId } = this.#pusher
    log.info({ app: appId, user: userId }, 'a push gateway rejected a key; the pusher is removed')
    await db.commit({ statements: [pushers.write.remove(this.#pusher)] })
    this.#hasNews = false
    this.#badgeIsOld = false
    return false
  }

  /** What could not be sent will not be. */
  async #giveUp(): Promise<void> {
    const { db, pushers } = this.#context
    this.#at = this.#end
    this.#badgeIsOld = true
    await db
      .commit({ statements: [pushers.write.reached(this.#pusher, this.#at)] })
      .catch(error => this.#context.log.error({ err: error }, 'how far a pusher has come could not be noted'))
  }
}
