import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { type MailLanguage, mailWords } from '../../core/mail-words/index.ts'
import { MailError, type Mailer } from '../../network/mailer.ts'
import { ThirdPartyIdReader } from '../../storage/accounts/third-party-ids.ts'
import type { Database, WriteStatement } from '../../storage/database.ts'
import { type MailDigestRow, MailDigestWriter } from '../../storage/push/mail-digests.ts'
import { type PushAction, PushActionReader } from '../../storage/push/push-actions.ts'
import { PusherReader, type PusherRow, PusherWriter } from '../../storage/push/pushers.ts'
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

/** What the messages are made of, and sent by. */
export interface DigestMailingParts {
  readonly serverName: string
  readonly counter: NotificationCounter
  readonly announcements: Announcements
  readonly mailer: Mailer
  readonly options: MailDigestOptions
  readonly clock: Clock
  readonly log: Log
}

/** Writes one message about everything that somebody has missed, and says when the next may come. */
export class DigestMailing {
  readonly #parts: DigestMailingParts
  readonly #database: Database
  readonly #pushers: { readonly read: PusherReader; readonly write: PusherWriter }
  readonly #digests: MailDigestWriter
  readonly #actions: PushActionReader
  readonly #owners: ThirdPartyIdReader

  constructor(parts: DigestMailingParts, database: Database) {
    this.#parts = parts
    this.#database = database
    this.#pushers = { read: new PusherReader(database), write: new PusherWriter(database) }
    this.#digests = new MailDigestWriter(database)
    this.#actions = new PushActionReader(database)
    this.#owners = new ThirdPartyIdReader(database)
  }

  /** Writes to who has missed something; answers what to note about it. */
  async write(digest: MailDigestRow): Promise<WriteStatement[]> {
    const { token, userId, address } = digest
    const { counter, options, clock, log } = this.#parts
    const pusher = await this.#pushers.read.one({ userId, appId: EMAIL_APP_ID, pushkey: address })
    const owner = await this.#owners.owner({ medium: 'email', address })
    if (pusher === undefined || owner !== userId) return this.removal(digest)
    const upTo = Math.min(counter.reached, this.#database.position('events'))
    // Whoever is locked out is told nothing, nor later of what came meanwhile.
    if (pusher.isLocked)
      return [
        this.#digests.next(token, undefined),
        this.#pushers.write.reached(pusher, { events: upTo, invites: pusher.invitePosition }),
      ]
    const span = { after: pusher.eventPosition, upTo, limit: MAX_EVENTS }
    const unread = await this.#actions.unreadAfter(userId, span)
    const missedBefore = clock.now() - options.delay
    const missed = unread.filter(({ ts }) => ts <= missedBefore)
    const [next] = unread
    if (missed.length === 0) return [this.#digests.next(token, next && next.ts + options.delay)]
    try {
      await this.#send(digest, missed, pusher.lang)
    } catch (error) {
      if (!(error instanceof MailError)) throw error
      log.warn({ err: error, user: userId }, 'an e-mail about missed messages was not taken')
      if (!error.permanent) return [this.#digests.next(token, clock.now() + RETRY_MS)]
    }
    return [
      this.#digests.sent(token, clock.now(), await this.#nextInterval(pusher, digest)),
      this.#pushers.write.reached(pusher, {
        events: missed.at(-1)?.position ?? upTo,
        invites: pusher.invitePosition,
      }),
      // What came since the last of them is looked at when it may be told.
      ...(unread.length > missed.length || unread.length === MAX_EVENTS
        ? [this.#digests.next(token, clock.now() + options.interval)]
        : []),
    ]
  }

  async #send(
    { userId, address, token }: MailDigestRow,
    missed: readonly PushAction[],
    lang: string,
  ): Promise<void> {
    const { serverName, announcements, mailer, options } = this.#parts
    const events: Announced[] = []
    for (const action of missed) {
      const event = await announcements.ofEvent(action)
      if (event !== undefined) events.push(event)
    }
    if (events.length === 0) return
    const unsubscribeUrl = `${options.unsubscribeUrl}?token=${token}`
    const words = mailWords([lang], options.language)
    await mailer.send(digestMail({ to: address, userId, serverName, events, unsubscribeUrl, words }))
  }

  /** Who has read nothing of the last message is left alone for longer. */
  async #nextInterval({ userId, eventPosition }: PusherRow, digest: MailDigestRow): Promise<number> {
    const { interval } = this.#parts.options
    if (digest.intervalMs === 0) return interval
    const told = await this.#actions.unreadAfter(userId, { after: 0, upTo: eventPosition, limit: 1 })
    return told.length === 0 ? interval : Math.min(digest.intervalMs * INTERVAL_FACTOR, MAX_INTERVAL_MS)
  }

  /** Ends the messages to an address. */
  removal({ token, userId, address }: MailDigestRow): WriteStatement[] {
    return [
      this.#digests.remove(token),
      this.#pushers.write.remove({ userId, appId: EMAIL_APP_ID, pushkey: address }),
    ]
  }
}
