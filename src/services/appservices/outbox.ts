import type { AppService } from '../../core/app-service.ts'
import { AppServiceReader } from '../../storage/appservices/app-services.ts'
import type { StreamName, WriteStatement } from '../../storage/database.ts'
import type { AddressedMessage } from '../../storage/encryption/to-device.ts'
import { appServiceFollows, FollowedStreams } from '../../storage/followed-streams.ts'
import { PushSourceReader } from '../../storage/push/push-source.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { DeviceListSpan } from '../encryption/device-list-span.ts'
import type { Encryption } from '../encryption/index.ts'
import type { EphemeralServices } from '../ephemeral/index.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { AppServiceAudience } from './audience.ts'
import { DeviceNews } from './device-news.ts'
import { InvitationTexts } from './invitation-texts.ts'
import { PassingNews } from './passing-news.ts'
import { bothNames, deviceListTexts, keyCountTexts, messageText } from './transaction-members.ts'

/** The streams that services follow. */
export const FOLLOWED = [
  'events',
  'invites',
  'receipts',
  'to_device',
  'device_lists',
] as const satisfies StreamName[]
type Followed = (typeof FOLLOWED)[number]
type Positions = Readonly<Record<Followed, number>>

/** What is new for a service, and what to commit with it. */
export interface Gathered {
  /** The body of a transaction, as JSON text; `undefined`: nothing of it was for the service. */
  readonly body: string | undefined
  /** The statements that go with storing the transaction. */
  readonly statements: readonly WriteStatement[]
  readonly reached: Positions
}

export interface OutboxParts {
  readonly context: RoomsContext
  readonly clientEvents: ClientEvents
  readonly ephemeral: EphemeralServices
  readonly encryption: Pick<Encryption, 'context' | 'keysLeft'>
}

/** Events that are looked at for one transaction. */
const BATCH = 100
/** "100 messages is recommended as a reasonable limit" for `/sync`; a service acts for many. */
const MAX_MESSAGES = 200
/** Of one user, who get one message. */
const MAX_DEVICES = 10_000

/**
 * Puts together what a service is told next, from the positions up to which it was told. "The homeserver MUST maintain
 * a queue of transactions": the streams are that queue, and only the transaction under way is stored as it is.
 */
export class AppServiceOutbox {
  readonly #service: AppService
  readonly #parts: OutboxParts
  readonly #audience: AppServiceAudience
  readonly #source: PushSourceReader
  readonly #invitations: InvitationTexts
  readonly #followed: FollowedStreams
  readonly #passing: PassingNews | undefined
  readonly #devices: DeviceNews
  #at: Positions | undefined
  #noted: Positions | undefined

  /** @param wake called when something waits that no stream of the database tells of */
  constructor(service: AppService, parts: OutboxParts, wake: () => void) {
    const { context, ephemeral, encryption } = parts
    const { db } = context
    this.#service = service
    this.#parts = parts
    this.#audience = new AppServiceAudience(service, context)
    this.#source = new PushSourceReader(db, context.read.news)
    this.#invitations = new InvitationTexts(this.#audience, context)
    this.#followed = new FollowedStreams(db)
    this.#passing = service.receivesEphemeral
      ? new PassingNews({ audience: this.#audience, context, ephemeral }, wake)
      : undefined
    const read = new AppServiceReader(db)
    this.#devices = new DeviceNews({ audience: this.#audience, context, encryption, read })
  }

  /** Whether there may be something to tell. */
  get hasNews(): boolean {
    const { db } = this.#parts.context
    const at = this.#at
    return (
      at === undefined ||
      this.#passing?.isWaiting === true ||
      FOLLOWED.some(name => db.position(name) > at[name])
    )
  }

  /** What comes next. A service that is new here is told of what comes from now on. */
  async gather(): Promise<Gathered> {
    const after = this.#at ?? (await this.#start())
    this.#at = after
    const { db } = this.#parts.context
    const now = Object.fromEntries(FOLLOWED.map(name => [name, db.position(name)])) as Record<
      Followed,
      number
    >
    const { events, upTo } = await this.#events(after.events, now.events)
    const invitations = await this.#invitations.fromOutside(after.invites, now.invites)
    const messages = await this.#messages(after.to_device, now.to_device)
    const passing = await this.#passing?.take({ after: after.receipts, upTo: now.receipts })
    const encrypting = this.#service.isEncrypting
      ? await this.#encrypting(
          {
            deviceLists: { after: after.device_lists, upTo: now.device_lists },
            events: { after: after.events, upTo },
          },
          events,
          [...messages.own, ...invitations],
        )
      : []
    const receipts = passing?.receiptsUpTo ?? now.receipts
    const reached = { ...now, events: upTo, to_device: messages.upTo, receipts }
    const members = [
      ...bothNames('ephemeral', 'de.sorunome.msc2409.ephemeral', passing?.texts ?? []),
      ...bothNames('to_device', 'de.sorunome.msc2409.to_device', messages.own.map(messageText)),
      ...encrypting,
    ]
    const texts = [...(await this.#texts(events)), ...invitations.map(({ text }) => text)]
    const isEmpty = texts.length === 0 && members.length === 0
    return {
      body: isEmpty ? undefined : `{${[`"events":[${texts.join(',')}]`, ...members].join(',')}}`,
      statements: [...this.#note(reached), ...this.#delivered(messages.own)],
      reached,
    }
  }

  /** Follows nothing any more. */
  close(): void {
    this.#passing?.close()
  }

  /** What was gathered is stored, or was nothing. */
  reached(positions: Positions): void {
    this.#at = positions
  }

  /** The statements that write down how far a service was told, even if nothing was for it. */
  #note(positions: Positions): WriteStatement[] {
    return FOLLOWED.filter(name => this.#noted?.[name] !== positions[name]).map(name =>
      this.#followed.reached(this.#name(name), positions[name]),
    )
  }

  async #start(): Promise<Positions> {
    const { db } = this.#parts.context
    const known = await Promise.all(FOLLOWED.map(name => this.#followed.known(this.#name(name))))
    const positions = Object.fromEntries(
      FOLLOWED.map((name, index) => [name, known[index] ?? db.position(name)]),
    ) as Record<Followed, number>
    if (known.includes(undefined)) await db.commit({ statements: this.#note(positions) })
    this.#noted = positions
    return positions
  }

  #name(stream: Followed): string {
    return appServiceFollows(this.#service.id, stream)
  }

  async #events(after: number, now: number): Promise<{ events: StoredEvent[]; upTo: number }> {
    if (after >= now) return { events: [], upTo: now }
    const rows = await this.#source.events(after, now, BATCH)
    const upTo = rows.length < BATCH ? now : (rows.at(-1)?.position ?? now)
    const positions = new Map(rows.map(({ nid, position }) => [nid, position]))
    // An event that was stored a moment ago may still be cached without its position.
    const events = (await this.#parts.context.read.events.byNids([...positions.keys()]))
      .map(stored => ({ ...stored, position: positions.get(stored.nid) }))
      .sort((a, b) => (a.position ?? 0) - (b.position ?? 0))
    // Memberships are read as they are now, so that all that has changed them since then has to be known.
    const span = { after, upTo: this.#parts.context.db.position('events') }
    return { events: await this.#audience.select(events, span), upTo }
  }

  async #texts(events: readonly StoredEvent[]): Promise<string[]> {
    const viewer = { userId: this.#service.senderId, deviceId: undefined }
    const texts = await this.#parts.clientEvents.render(events, viewer, { roomId: true })
    return this.#invitations.described(events, texts)
  }

  async #messages(after: number, now: number): Promise<{ own: AddressedMessage[]; upTo: number }> {
    if (after >= now) return { own: [], upTo: now }
    const { toDevice } = this.#parts.encryption.context.read
    const page = await toDevice.between(after, now, MAX_MESSAGES)
    const isAll = page.length < MAX_MESSAGES
    const upTo = isAll ? now : (page.at(-1)?.position ?? now)
    // What is for all devices of a user has one position for all of them: of the last, some may not be among these.
    const last = isAll ? [] : await toDevice.between(upTo - 1, upTo, MAX_DEVICES)
    const whole = isAll ? page : [...page.filter(({ position }) => position < upTo), ...last]
    return { own: whole.filter(({ userId }) => this.#audience.isOwn(userId)), upTo }
  }

  /**
   * Nobody else fetches what is for users of exclusive namespaces (MSC4203, "when to delete a to-device message"). Services that
   * do not encrypt by transactions may do so by `/sync`, as bridges of mautrix do unless told otherwise: there it has to wait.
   */
  #delivered(messages: readonly AddressedMessage[]): WriteStatement[] {
    if (!this.#service.isEncrypting) return []
    const newest = new Map<string, AddressedMessage>()
    for (const message of messages) newest.set(`${message.userId} ${message.deviceId}`, message)
    const { toDevice } = this.#parts.encryption.context.write
    return [...newest.values()]
      .filter(({ userId }) => this.#audience.isExclusive(userId))
      .map(({ userId, deviceId, position }) => toDevice.acknowledge(userId, deviceId, position))
  }

  async #encrypting(
    span: DeviceListSpan,
    events: readonly StoredEvent[],
    addressed: readonly { readonly userId: string }[],
  ): Promise<string[]> {
    const lists = await this.#devices.lists(span)
    const recipients = addressed.map(({ userId }) => userId)
    const { counts, fallbackTypes } = await this.#devices.keyCounts(events, recipients, lists)
    return [...deviceListTexts(lists), ...keyCountTexts(counts, fallbackTypes)]
  }
}
