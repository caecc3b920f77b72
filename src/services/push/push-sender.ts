import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { AtMost } from '../../network/at-most.ts'
import type { PushGateway } from '../../network/push-gateway.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { PushActionReader } from '../../storage/push/push-actions.ts'
import { PushRulesReader } from '../../storage/push/push-rules.ts'
import { PushSourceReader } from '../../storage/push/push-source.ts'
import { PusherReader, type PusherRow, PusherWriter } from '../../storage/push/pushers.ts'
import { StreamTouches } from '../../storage/stream-touches.ts'
import type { Held } from '../lease.ts'
import { persevere } from '../persevere.ts'
import type { SoleWork } from '../processes.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { Announcements } from './announcements.ts'
import type { NotificationCounter } from './counter.ts'
import { GatewayTroubles } from './gateway-troubles.ts'
import type { PushDetails } from './push-message.ts'
import { PushWorker } from './push-worker.ts'
import type { UnreadCounts } from './unread.ts'
import type { WorkerContext } from './worker-context.ts'

/** Workers that read at a time what there is to send. */
const MAX_READING = 8

/** Keeps a worker for each pusher, and wakes those whom news concern. */
export class PushSender {
  readonly #context: Omit<WorkerContext, 'closing'>
  readonly #counter: NotificationCounter
  readonly #touches: StreamTouches
  readonly #source: PushSourceReader
  readonly #rules: PushRulesReader
  readonly #workers = new Map<string, Map<string, PushWorker>>()
  readonly #queue = new SerialQueue()
  readonly #closing = new AbortController()
  readonly #sole: SoleWork
  #started: Promise<void> | undefined
  /** While this process is the one that sends. */
  #held: Held | undefined
  #followed = { invites: 0, receipts: 0, accountData: 0 }
  #settled = Promise.resolve()

  constructor(parts: {
    context: RoomsContext
    counter: NotificationCounter
    announcements: Announcements
    unread: UnreadCounts
    gateway: PushGateway
    details: PushDetails
    clock: Clock
    log: Log
    /** Of several processes one sends: the one that counts. */
    sole: SoleWork
  }) {
    const { context, counter, sole, ...shared } = parts
    const { read, random } = context
    const db = sole.database
    this.#sole = sole
    this.#counter = counter
    this.#touches = new StreamTouches(db)
    this.#source = new PushSourceReader(db)
    this.#rules = new PushRulesReader(db)
    this.#context = {
      ...shared,
      db,
      pushers: { read: new PusherReader(db), write: new PusherWriter(db) },
      actions: new PushActionReader(db),
      invitations: read.invitations,
      announcements: parts.announcements,
      counted: () => counter.reached,
      reading: new AtMost(MAX_READING),
      troubles: new GatewayTroubles(parts.clock, parts.log),
      random: () => Buffer.from(random(4)).readUInt32BE() / 2 ** 32,
    }
    counter.onCounted((notified, relieved) => {
      for (const userId of notified.among(this.#workers)) for (const worker of this.#of(userId)) worker.wake()
      for (const userId of relieved) for (const worker of this.#of(userId)) worker.relieved()
    })
  }

  /** Goes on where the last process ended. */
  start(): void {
    this.#started ??= this.#sole.run(this.#closing.signal, held => this.#lead(held))
  }

  async #lead(held: Held): Promise<void> {
    const { db, pushers, clock, log } = this.#context
    const { signal } = held
    this.#held = held
    this.#followed = this.#now()
    const stopListening = db.onCommit(moved => {
      if (moved.has('invites') || moved.has('receipts') || moved.has('account_data'))
        this.#settled = this.#settled.then(() => this.#follow(signal))
    })
    const begin = async (): Promise<void> => {
      for (const row of await pushers.read.all()) if (row.kind === 'http') this.#add(row)
    }
    const failed = (error: unknown): void => log.error({ err: error }, 'pushers could not be read')
    this.#settled = this.#settled.then(() => persevere(begin, { clock, signal, failed }))
    if (!signal.aborted)
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
    stopListening()
    this.#held = undefined
    await this.#settled
    const workers = [...this.#workers.values()].flatMap(all => [...all.values()])
    await Promise.all(workers.map(one => one.settled))
    // Another process goes on from what is stored.
    this.#workers.clear()
  }

  /** Ends what is under way; what was not delivered is delivered after the next start. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#started
    await this.#context.gateway.close()
  }

  /** A user's pushers have been set or removed. */
  reload(userId: string): Promise<void> {
    return this.#queue.run(userId, async () => {
      const rows = (await this.#context.pushers.read.ofUser(userId)).filter(({ kind }) => kind === 'http')
      const before = this.#workers.get(userId)
      const keys = new Set(rows.map(keyOf))
      // A worker whose pusher is gone finds that out by itself.
      for (const key of [...(before?.keys() ?? [])]) if (!keys.has(key)) before?.delete(key)
      if (before?.size === 0) this.#workers.delete(userId)
      for (const row of rows) this.#add(row)
    })
  }

  /** The statements that remove what goes with devices that are removed. */
  readonly onDevicesChange = (
    userId: string,
    { removed = [] }: { readonly removed?: readonly string[] },
  ): WriteStatement[] => this.#context.pushers.write.removeDevices(userId, removed)

  /** The statements that remove what goes with an account, whichever token it was set with. */
  readonly onAccountEnd = (userId: string): WriteStatement[] => [
    this.#context.pushers.write.removeAll(userId),
  ]

  #of(userId: string): Iterable<PushWorker> {
    return this.#workers.get(userId)?.values() ?? []
  }

  #add(row: PusherRow): void {
    if (this.#held === undefined) return
    const ofUser = this.#workers.get(row.userId) ?? new Map<string, PushWorker>()
    this.#workers.set(row.userId, ofUser)
    const worker =
      ofUser.get(keyOf(row)) ?? new PushWorker({ ...this.#context, closing: this.#held.signal }, row)
    ofUser.set(keyOf(row), worker)
    worker.renewed(row)
    // Before the counter runs nothing is known to be counted.
    void this.#counter.counted(this.#context.db.position('events')).then(() => worker.wake())
  }

  /** Where the streams stand that are followed here. */
  #now(): { invites: number; receipts: number; accountData: number } {
    const { db } = this.#context
    return {
      invites: db.position('invites'),
      receipts: db.position('receipts'),
      accountData: db.position('account_data'),
    }
  }

  #follow(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#context
    const follow = async (): Promise<void> => {
      const upTo = this.#now()
      const after = this.#followed
      if (after.invites < upTo.invites)
        for (const userId of await this.#touches.users('invites', after.invites, upTo.invites))
          for (const worker of this.#of(userId)) worker.wake()
      if (after.receipts < upTo.receipts)
        for (const userId of await this.#source.readers(after.receipts, upTo.receipts))
          for (const worker of this.#of(userId)) worker.badgeChanged()
      // Whoever ignores somebody has what these have said to read no more.
      if (after.accountData < upTo.accountData)
        for (const userId of await this.#rules.touched(after.accountData, upTo.accountData))
          for (const worker of this.#of(userId)) worker.relieved()
      this.#followed = upTo
    }
    return persevere(follow, {
      ...{ clock, signal },
      failed: error =>
        log.error(
          { err: error },
          'invitations, receipts and lists of ignored users could not be followed for pushers',
        ),
    })
  }
}

const keyOf = ({ appId, pushkey }: PusherRow): string => `${appId} ${pushkey}`
