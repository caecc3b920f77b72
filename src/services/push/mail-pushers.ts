import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { type MailLanguage, type MailWords, mailWords } from '../../core/mail-words/index.ts'
import { MailError, type Mailer } from '../../network/mailer.ts'
import { ThirdPartyIdReader } from '../../storage/accounts/third-party-ids.ts'
import type { Database, WriteStatement } from '../../storage/database.ts'
import type { DueRows, HeldRow } from '../../storage/due-rows.ts'
import {
  MAIL_DIGESTS,
  MailDigestReader,
  type MailDigestRow,
  MailDigestWriter,
} from '../../storage/push/mail-digests.ts'
import { type PushAction, PushActionReader } from '../../storage/push/push-actions.ts'
import { PusherReader, type PusherRow, PusherWriter } from '../../storage/push/pushers.ts'
import { DueWork } from '../due-work.ts'
import type { Held } from '../lease.ts'
import type { SoleWork } from '../processes.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { Announcements } from './announcements.ts'
import type { NotificationCounter } from './counter.ts'
import { digestMail } from './digest.ts'
import type { Announced } from './push-message.ts'

/** "If the kind is "email", this is "m.email"." */
export const EMAIL_APP_ID = 'm.email'

/** How people are written to. Milliseconds. */
export interface MailDigestOptions {
  /** What is read within this time was not missed. */
  readonly delay: number
  /** Between two messages; longer each time nothing of the last one has been read. */
  readonly interval: number
  /** Where the link leads by which the messages are ended; `?token=` is added. */
  readonly unsubscribeUrl: string
  /** Of those whose client asks for one that there are no words for. */
  readonly language: MailLanguage
}

const MAX_INTERVAL_MS = 24 * 60 * 60_000
const INTERVAL_FACTOR = 4
/** When the mail server does not take a message. */
const RETRY_MS = 30 * 60_000
/** Of what was missed, so much is looked at for one message. */
const MAX_EVENTS = 200

/**
 * The pushers of the kind `email`: some time after messages that nobody has read, their owner is written to about all of
 * them at once, and then not again for a while, the longer the less they care.
 */
export class MailPushers {
  readonly #context: RoomsContext
  readonly #counter: NotificationCounter
  readonly #announcements: Announcements
  readonly #mailer: Mailer
  readonly #options: MailDigestOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #pushers: { readonly read: PusherReader; readonly write: PusherWriter }
  readonly #digests: { readonly read: MailDigestReader; readonly write: MailDigestWriter }
  readonly #actions: PushActionReader
  readonly #owners: ThirdPartyIdReader
  readonly #sole: SoleWork
  readonly #closing = new AbortController()
  #started: Promise<void> | undefined
  /** While this process is the one that writes. */
  #due: DueWork | undefined
  /** Addresses to write to, by user. */
  readonly #addresses = new Map<string, ReadonlySet<string>>()
  /** When the next message to an address is due, as far as this process knows. */
  readonly #expected = new Map<string, number>()
  /** For whom something has come that may have been too late for the message that was being written. */
  readonly #missed = new Set<string>()
  #settled = Promise.resolve()

  constructor(parts: {
    context: RoomsContext
    counter: NotificationCounter
    announcements: Announcements
    mailer: Mailer
    options: MailDigestOptions
    clock: Clock
    log: Log
    /** Of several processes one writes: the one that counts. */
    sole: SoleWork
  }) {
    const { context, clock, log } = parts
    const { database } = parts.sole
    this.#sole = parts.sole
    this.#context = context
    this.#counter = parts.counter
    this.#announcements = parts.announcements
    this.#mailer = parts.mailer
    this.#options = parts.options
    this.#clock = clock
    this.#log = log
    this.#pushers = { read: new PusherReader(database), write: new PusherWriter(database) }
    this.#digests = { read: new MailDigestReader(database), write: new MailDigestWriter(database) }
    this.#actions = new PushActionReader(database)
    this.#owners = new ThirdPartyIdReader(database)
    parts.counter.onCounted((_, notified) => {
      for (const userId of notified) if (this.#addresses.has(userId)) this.#queue(() => this.#expect(userId))
    })
  }

  /** Goes on where the last process ended: something may have been missed since. */
  start(): void {
    this.#started ??= this.#sole.run(this.#closing.signal, held => this.#lead(held))
  }

  async #lead({ signal }: Held): Promise<void> {
    const due = new DueWork({
      ...{ database: this.#sole.database, clock: this.#clock, log: this.#log, table: MAIL_DIGESTS },
      perform: (row, rows) => this.#perform(row, rows),
    })
    this.#due = due
    due.start()
    this.#queue(async () => {
      for (const row of await this.#pushers.read.all())
        if (row.kind === 'email') await this.reload(row.userId)
    })
    if (!signal.aborted)
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
    this.#due = undefined
    await this.#settled
    await due.close()
    this.#addresses.clear()
    this.#expected.clear()
    this.#missed.clear()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#started
  }

  /** A user's pushers have been set or removed. */
  async reload(userId: string): Promise<void> {
    if (this.#due === undefined) return
    const rows = await this.#pushers.read.ofUser(userId)
    const addresses = rows.filter(({ kind }) => kind === 'email').map(({ pushkey }) => pushkey)
    if (addresses.length === 0) this.#addresses.delete(userId)
    else {
      this.#addresses.set(userId, new Set(addresses))
      await this.#expect(userId)
    }
  }

  /** The words for people of whom no language is known. */
  get words(): MailWords {
    return mailWords([], this.#options.language)
  }

  /** The address to which a link of a message belongs, and its language; `undefined` if it is none (any more). */
  async find(token: string): Promise<{ address: string; words: MailWords } | undefined> {
    const digest = await this.#digests.read.byToken(token)
    if (digest === undefined) return undefined
    const { userId, address } = digest
    const pusher = await this.#pushers.read.one({ userId, appId: EMAIL_APP_ID, pushkey: address })
    const words = pusher === undefined ? this.words : mailWords([pusher.lang], this.#options.language)
    return { address, words }
  }

  /** Ends the messages that a link belongs to; answers as `find`. */
  async unsubscribe(token: string): Promise<{ address: string; words: MailWords } | undefined> {
    const [digest, found] = await Promise.all([this.#digests.read.byToken(token), this.find(token)])
    if (digest === undefined) return undefined
    await this.#context.db.commit({ statements: this.#removal(digest) })
    await this.reload(digest.userId)
    return found
  }

  get #db(): Database {
    return this.#sole.database
  }

  #queue(work: () => Promise<void>): void {
    this.#settled = this.#settled
      .then(work)
      .catch(error => this.#log.error({ err: error }, 'e-mails about missed messages could not be planned'))
  }

  /** Something has come for a user: they are written to about it, unless they read it in time. */
  async #expect(userId: string): Promise<void> {
    const at = this.#clock.now() + this.#options.delay
    for (const address of this.#addresses.get(userId) ?? []) {
      const key = `${userId} ${address}`
      // It will be looked at by then, and whatever has come since along with it.
      if ((this.#expected.get(key) ?? 0) > this.#clock.now()) continue
      const token = Buffer.from(this.#context.random(24)).toString('base64url')
      const expected = this.#digests.write.expect(token, { userId, address }, at)
      const committed = await this.#db.commit({ statements: [expected] })
      const due = committed.ok ? committed.returned['due']?.[0]?.['due_ts'] : undefined
      if (typeof due !== 'number') {
        // One is expected already, or just being written, and may not tell of this.
        this.#missed.add(key)
        continue
      }
      this.#expected.set(key, due)
      this.#due?.expect(due)
    }
  }

  async #perform(row: HeldRow, rows: DueRows): Promise<void> {
    const digest = await this.#digests.read.byToken(row.key)
    if (digest === undefined) return
    const key = `${digest.userId} ${digest.address}`
    this.#expected.delete(key)
    this.#missed.delete(key)
    const statements = await this.#write(digest)
    await this.#db.commit({ statements: [rows.stillHeld(row), ...statements] })
    if (this.#missed.delete(key)) this.#queue(() => this.#expect(digest.userId))
  }

  /** Writes to who has missed something; answers what to note about it. */
  async #write(digest: MailDigestRow): Promise<WriteStatement[]> {
    const { token, userId, address } = digest
    const { write } = this.#digests
    const pusher = await this.#pushers.read.one({ userId, appId: EMAIL_APP_ID, pushkey: address })
    const owner = await this.#owners.owner({ medium: 'email', address })
    if (pusher === undefined || owner !== userId) return this.#removal(digest)
    const upTo = Math.min(this.#counter.reached, this.#db.position('events'))
    const span = { after: pusher.eventPosition, upTo, limit: MAX_EVENTS }
    const unread = await this.#actions.unreadAfter(userId, span)
    const missedBefore = this.#clock.now() - this.#options.delay
    const missed = unread.filter(({ ts }) => ts <= missedBefore)
    const [next] = unread
    if (missed.length === 0) return [write.next(token, next && next.ts + this.#options.delay)]
    try {
      await this.#send(digest, missed, pusher.lang)
    } catch (error) {
      if (!(error instanceof MailError)) throw error
      this.#log.warn({ err: error, user: userId }, 'an e-mail about missed messages was not taken')
      if (!error.permanent) return [write.next(token, this.#clock.now() + RETRY_MS)]
    }
    return [
      write.sent(token, this.#clock.now(), await this.#nextInterval(pusher, digest)),
      this.#pushers.write.reached(pusher, {
        events: missed.at(-1)?.position ?? upTo,
        invites: pusher.invitePosition,
      }),
      // What came since the last of them is looked at when it may be told.
      ...(unread.length > missed.length || unread.length === MAX_EVENTS
        ? [write.next(token, this.#clock.now() + this.#options.interval)]
        : []),
    ]
  }

  async #send(
    { userId, address, token }: MailDigestRow,
    missed: readonly PushAction[],
    lang: string,
  ): Promise<void> {
    const events: Announced[] = []
    for (const action of missed) {
      const event = await this.#announcements.ofEvent(action)
      if (event !== undefined) events.push(event)
    }
    if (events.length === 0) return
    const { serverName } = this.#context
    const unsubscribeUrl = `${this.#options.unsubscribeUrl}?token=${token}`
    const words = mailWords([lang], this.#options.language)
    await this.#mailer.send(digestMail({ to: address, userId, serverName, events, unsubscribeUrl, words }))
  }

  /** Who has read nothing of the last message is left alone for longer. */
  async #nextInterval({ userId, eventPosition }: PusherRow, digest: MailDigestRow): Promise<number> {
    const { interval } = this.#options
    if (digest.intervalMs === 0) return interval
    const told = await this.#actions.unreadAfter(userId, { after: 0, upTo: eventPosition, limit: 1 })
    return told.length === 0 ? interval : Math.min(digest.intervalMs * INTERVAL_FACTOR, MAX_INTERVAL_MS)
  }

  #removal({ token, userId, address }: MailDigestRow): WriteStatement[] {
    return [
      this.#digests.write.remove(token),
      this.#pushers.write.remove({ userId, appId: EMAIL_APP_ID, pushkey: address }),
    ]
  }
}
