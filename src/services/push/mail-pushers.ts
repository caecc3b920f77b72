import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { type MailWords, mailWords } from '../../core/mail-words/index.ts'
import type { Mailer } from '../../network/mailer.ts'
import type { Database } from '../../storage/database.ts'
import type { DueRows, HeldRow } from '../../storage/due-rows.ts'
import { MAIL_DIGESTS, MailDigestReader, MailDigestWriter } from '../../storage/push/mail-digests.ts'
import { PusherReader } from '../../storage/push/pushers.ts'
import { DueWork } from '../due-work.ts'
import type { Held } from '../lease.ts'
import type { SoleWork } from '../processes.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { Announcements } from './announcements.ts'
import type { NotificationCounter } from './counter.ts'
import { DigestMailing, EMAIL_APP_ID, type MailDigestOptions } from './digest-mailing.ts'

/**
 * The pushers of the kind `email`: some time after messages that nobody has read, their owner is written to about all of
 * them at once, and then not again for a while, the longer the less they care.
 */
export class MailPushers {
  readonly #context: RoomsContext
  readonly #options: MailDigestOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #pushers: PusherReader
  readonly #digests: { readonly read: MailDigestReader; readonly write: MailDigestWriter }
  readonly #mailing: DigestMailing
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
    this.#options = parts.options
    this.#clock = clock
    this.#log = log
    this.#pushers = new PusherReader(database)
    this.#digests = { read: new MailDigestReader(database), write: new MailDigestWriter(database) }
    this.#mailing = new DigestMailing({ ...parts, serverName: context.serverName }, database)
    parts.counter.onCounted(notified => {
      for (const userId of notified.among(this.#addresses)) this.#queue(() => this.#expect(userId))
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
      for (const row of await this.#pushers.all()) if (row.kind === 'email') await this.reload(row.userId)
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
    const rows = await this.#pushers.ofUser(userId)
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
    const pusher = await this.#pushers.one({ userId, appId: EMAIL_APP_ID, pushkey: address })
    const words = pusher === undefined ? this.words : mailWords([pusher.lang], this.#options.language)
    return { address, words }
  }

  /** Ends the messages that a link belongs to; answers as `find`. */
  async unsubscribe(token: string): Promise<{ address: string; words: MailWords } | undefined> {
    const [digest, found] = await Promise.all([this.#digests.read.byToken(token), this.find(token)])
    if (digest === undefined) return undefined
    await this.#context.db.commit({ statements: this.#mailing.removal(digest) })
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
    const statements = await this.#mailing.write(digest)
    await this.#db.commit({ statements: [rows.stillHeld(row), ...statements] })
    if (this.#missed.delete(key)) this.#queue(() => this.#expect(digest.userId))
  }
}
