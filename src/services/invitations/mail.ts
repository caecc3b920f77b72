import type { Clock } from '../../core/clock.ts'
import { growingCache } from '../../core/growing-cache.ts'
import type { Log } from '../../core/log.ts'
import { fewLines, type MailBlock, mailText, oneLine } from '../../core/mail-text.ts'
import { type MailLanguage, type MailWords, mailWords } from '../../core/mail-words/index.ts'
import type { Mail, Mailer } from '../../network/mailer.ts'
import type { Database } from '../../storage/database.ts'
import type { StoredInvitation } from '../../storage/invitations/records.ts'
import type { SoleWork } from '../processes.ts'
import { StreamFollower } from '../stream-follower.ts'
import { type AddressBook, addressOf, addressUri } from './address-invitations.ts'
import { roomLink } from './calendar.ts'
import type { InvitationListing } from './listing.ts'
import type { InvitationRecords } from './records.ts'

const BATCH = 50
/** What is older is no news: after a long stop, or when mail has just been set up. */
const MAX_AGE_MS = 24 * 3_600_000
/** One address gets so many mails in an hour, whoever invites. */
const MAX_MAILS = 10
const HOUR_MS = 3_600_000
const MAX_NAME = 80
const COMMENT = { lines: 20, length: 500 }

/** What mails are made with. */
export interface InvitationMailParts {
  readonly mailer: Pick<Mailer, 'send'>
  /** The address in whose name mails are sent: who organizes, for calendars that know no Matrix. */
  readonly from: string
  readonly serverName: string
  /** Where people get an account or log in. */
  readonly baseUrl: string
  /** Where nothing is known of who gets the mail, or who invites. */
  readonly language: MailLanguage
}

/**
 * Mails invitations with a calendar part (RFC 6047) to people who have verified an address, or were invited by one. It
 * follows the records; a mail that cannot be sent is given up, since the invitation is there without it.
 */
export class InvitationMail {
  readonly #records: InvitationRecords
  readonly #listing: InvitationListing
  readonly #people: AddressBook
  readonly #parts: InvitationMailParts
  readonly #clock: Clock
  readonly #log: Log
  readonly #follower: StreamFollower
  /** When mails went to an address lately. */
  readonly #sent = growingCache<string, number[]>(10_000)
  /** What the last mail about an invitation has said, by record. */
  readonly #told = growingCache<string, string>(10_000)

  constructor(parts: {
    database: Database
    records: InvitationRecords
    listing: InvitationListing
    people: AddressBook
    mail: InvitationMailParts
    sole: SoleWork
    clock: Clock
    log: Log
  }) {
    const { database, clock, log, sole } = parts
    this.#records = parts.records
    this.#listing = parts.listing
    this.#people = parts.people
    this.#parts = parts.mail
    this.#clock = clock
    this.#log = log
    this.#follower = new StreamFollower({
      ...{ name: 'mailed invitations', stream: 'invitation_records', database, clock, log, sole },
      work: (after, upTo) => this.#follow(after, upTo),
    })
  }

  start(): void {
    this.#follower.start()
  }

  async close(): Promise<void> {
    await this.#follower.close()
  }

  async #follow(after: number, upTo: number): Promise<number> {
    const changed = await this.#records.read.changed(after, upTo, BATCH)
    for (const record of changed) {
      await this.#tell(record).catch(error =>
        this.#log.warn({ room: record.roomId, err: error }, 'an invitation could not be mailed'),
      )
    }
    return changed.length < BATCH ? upTo : (changed.at(-1)?.position ?? upTo)
  }

  async #tell(record: StoredInvitation): Promise<void> {
    const now = this.#clock.now()
    if (record.updatedTs < now - MAX_AGE_MS || !isForMail(record)) return
    const address = addressOf(record.userId) ?? (await this.#people.addressesOf(record.userId))[0]
    if (address === undefined || this.#isTold(record) || !(await this.#listing.isWanted(record))) return
    if (!this.#mayMail(address, now)) return
    await this.#parts.mailer.send(await this.#mailOf(record, address))
  }

  async #mailOf(record: StoredInvitation, address: string): Promise<Mail> {
    const { baseUrl, serverName, from } = this.#parts
    const uris = { organizer: addressUri(from), attendee: addressUri(address) }
    const told = await this.#listing.inWords(record, record.inviter, uris)
    const { calendar } = told
    const { invitation: say, lang } = await this.#wordsFor(record)
    const inviter = oneLine(told.inviter, MAX_NAME)
    const roomName = oneLine(told.roomName ?? say.aRoom, MAX_NAME)
    const comment = fewLines(record.details.comment ?? '', COMMENT)
    const isOver = calendar.method === 'CANCEL'
    const isHeld = record.status === 'scheduled'
    const blocks: MailBlock[] = [
      isOver ? say.withdrawn(inviter, roomName) : `${say.invites(inviter, roomName)}.`,
      ...(comment === '' || isOver ? [] : [comment]),
      ...(isHeld
        ? [say.makeAccount(serverName), { link: baseUrl, label: serverName }]
        : isOver
          ? []
          : [{ link: roomLink(record), label: say.openRoom }]),
    ]
    return {
      to: address,
      subject: isOver ? say.withdrawnSubject(roomName) : say.invites(inviter, roomName),
      ...mailText(blocks, lang),
      headers: { 'Auto-Submitted': 'auto-generated' },
      alternatives: [{ contentType: calendar.contentType, content: calendar.text }],
    }
  }

  /** In the language of who gets the mail; of people who have no account here, in that of who invites them. */
  async #wordsFor({ userId, inviter }: StoredInvitation): Promise<MailWords> {
    const languages = await this.#people.languagesOf(addressOf(userId) === undefined ? userId : inviter)
    return mailWords(languages, this.#parts.language)
  }

  /** A record also changes where it says nothing new: words are redacted, or the room has been told how it ended. */
  #isTold({ recordId, status, sequence }: StoredInvitation): boolean {
    const says = `${status} ${sequence}`
    if (this.#told.get(recordId) === says) return true
    this.#told.set(recordId, says)
    return false
  }

  #mayMail(address: string, now: number): boolean {
    const recent = (this.#sent.get(address) ?? []).filter(ts => ts > now - HOUR_MS)
    if (recent.length >= MAX_MAILS) return false
    this.#sent.set(address, [...recent, now])
    return true
  }
}

/** Invitations that are there to be answered, or no longer; of those that wait for their time nobody is told. */
const isForMail = ({ status, userId, eventId }: StoredInvitation): boolean => {
  const isHeld = addressOf(userId) !== undefined
  if (status === 'invited') return true
  if (status === 'scheduled') return isHeld
  return (status === 'cancelled' || status === 'expired') && (isHeld || eventId !== undefined)
}
