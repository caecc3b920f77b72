import { boundedCache } from '../../core/caches.ts'
import { CanonicalJsonError } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { fitsBytes, isCompliantUserId, isUserId, MAX_ID_BYTES, serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { NewMessage, WaitingMessage } from '../../storage/encryption/to-device.ts'
import type { KeepEdus, KeptEdu } from '../kept-edus.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { EncryptionContext } from './context.ts'
import { type Addressed, directEdus } from './direct-edus.ts'
import { isTooMany, refuseStrangers } from './to-device-bounds.ts'
import { WaitingBytes } from './waiting-bytes.ts'
import { welcomeMessages } from './welcome-messages.ts'

/** User ID → device ID (or `*`) → content. */
export type ToDeviceMessages = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>

/** Messages that nobody has fetched for so long are given up: the device is dead. */
export const KEPT_MS = 180 * 86_400_000

/**
 * More messages do not wait for a device: what came first stays, so that nobody drives it out by a flood. Half a year of
 * a message every three minutes.
 */
const MAX_WAITING = 100_000

/** The content of one message, in bytes of JSON: a device gets a hundred of them at once, and none may keep it from the others. */
const MAX_CONTENT = 65_536

/** The same of all copies, where a message is for all devices of a user; of short ones they are not counted. */
const MAX_COPIES = 16 * 1024 * 1024
const SHORT = 4_096

/** How often it is looked for devices with more: that reads all messages. Milliseconds. */
const CROWDS_MS = 60 * 60_000

/** For so long another server's message is known again. */
const RECEIVED_KEPT_MS = 30 * 86_400_000

/** For so long a client may repeat a request, and is told which of its own requests made an event. */
const TRANSACTIONS_KEPT_MS = 30 * 86_400_000

/** Messages to devices (module "Send-to-Device messaging"). */
export class ToDevice {
  readonly #context: EncryptionContext
  readonly #keepEdus: KeepEdus
  readonly #maxWaiting: number
  readonly #waitingBytes: WaitingBytes
  /** Up to where nothing waits for devices, as far as that is known. */
  readonly #acknowledged = boundedCache<string, number>('acknowledged_to_device')
  #crowdsAt = 0
  /** What servers send, each its own in order. */
  readonly #arrivals = new SerialQueue()

  constructor(
    context: EncryptionContext,
    keepEdus: KeepEdus,
    maxWaiting = MAX_WAITING,
    waitingBytes = new WaitingBytes(context),
  ) {
    this.#context = context
    this.#keepEdus = keepEdus
    this.#maxWaiting = maxWaiting
    this.#waitingBytes = waitingBytes
  }

  /**
   * Sends messages of one type, once for each transaction of a device, all in one commit.
   * @throws {MatrixError} `M_INVALID_PARAM`; `M_TOO_LARGE`; `M_BAD_JSON` where a content cannot travel to another server
   */
  async send(
    sender: { readonly userId: string; readonly deviceId: string },
    type: string,
    txnId: string,
    messages: ToDeviceMessages,
  ): Promise<void> {
    const { write, clock } = this.#context
    if (!fitsBytes(type, MAX_ID_BYTES) || type.includes('\0')) {
      throw new MatrixError('M_INVALID_PARAM', 'A type has at most 255 bytes.')
    }
    if (isTooMany(messages)) throw new MatrixError('M_TOO_LARGE', 'Too many messages to devices at once.')
    const local: NewMessage[] = []
    const remote = new Map<string, Addressed[]>()
    for (const [userId, devices] of Object.entries(messages)) {
      if (!isUserId(userId)) throw new MatrixError('M_INVALID_PARAM', `${userId} is no user ID.`)
      for (const [deviceId, content] of Object.entries(devices)) {
        if (await this.#isTooLarge(userId, deviceId, content))
          throw new MatrixError('M_TOO_LARGE', 'A message to a device is too large.')
      }
      if (this.#context.isLocal(userId)) {
        local.push(...(await this.#localMessages({ userId, sender: sender.userId, type }, devices)))
        continue
      }
      const batch = remote.get(serverNameOf(userId)) ?? []
      for (const [deviceId, content] of Object.entries(devices)) batch.push({ userId, deviceId, content })
      if (batch.length > 0) remote.set(serverNameOf(userId), batch)
    }
    await refuseStrangers(this.#context, sender.userId, [...remote.keys()])
    const now = clock.now()
    // With the time: a device that has the ID of an earlier one may use its transaction IDs again.
    const source = [sender.userId, sender.deviceId, type, txnId, String(now)]
    const edus = this.#kept(
      Array.from(remote, ([server, batch]) =>
        directEdus(server, sender.userId, { type, source, batch }),
      ).flat(),
    )
    const key = { ...sender, scope: `sendToDevice ${type}`, txnId }
    const result = await this.#context.commit([
      write.transactions.remember(key, { id: '' }, now),
      ...write.toDevice.insert(await welcomeMessages(this.#context, local), now),
      ...edus.statements,
    ])
    // A failed guard means that this transaction was sent before.
    if (!result.ok) return
    edus.committed()
    await this.#waitingBytes.arrived(local)
  }

  /** The oldest messages that wait for a device, after one position up to another. */
  waiting(
    userId: string,
    deviceId: string,
    span: { readonly after: number; readonly upTo: number },
    limit: number,
  ): Promise<WaitingMessage[]> {
    return this.#context.read.toDevice.waiting(userId, deviceId, span, limit)
  }

  /** Whether it is known that nothing waits for a device up to a position. */
  isAcknowledged(userId: string, deviceId: string, position: number): boolean {
    return (this.#acknowledged.get(`${userId} ${deviceId}`) ?? 0) >= position
  }

  /** The device has received everything up to a position: it "should be deleted from the store". */
  async acknowledge(userId: string, deviceId: string, position: number): Promise<void> {
    const { read, write, database } = this.#context
    const device = `${userId} ${deviceId}`
    if ((this.#acknowledged.get(device) ?? 0) >= position) return
    const reached = Math.min(position, database.position('to_device'))
    if (await read.toDevice.anyUpTo(userId, deviceId, position)) {
      await this.#context.commit([write.toDevice.acknowledge(userId, deviceId, position)])
    }
    // Positions are handed out in the order of commits: up to there nothing comes any more.
    this.#acknowledged.set(device, reached)
  }

  /**
   * Takes in an `m.direct_to_device` EDU, once for each message ID of its server. Those of one server are kept in the order in which
   * they were handed over: "the server should list the pending messages, in order of arrival".
   */
  async receive(origin: string, edu: JsonObject): Promise<void> {
    const { write, clock } = this.#context
    const { sender, type, message_id: messageId, messages } = edu
    if (typeof sender !== 'string' || serverNameOf(sender) !== origin || !isCompliantUserId(sender)) return
    if (typeof type !== 'string' || !fitsBytes(type, MAX_ID_BYTES) || type.includes('\0')) return
    if (typeof messageId !== 'string' || !fitsBytes(messageId, MAX_ID_BYTES) || messageId.includes('\0'))
      return
    if (!isJsonObject(messages)) return
    if (isTooMany(messages)) {
      this.#context.log.warn({ origin, sender }, 'there are too many messages to devices in one EDU')
      return
    }
    // What has to be looked up takes longer for some than for others; commits that are begun in order are made in order.
    const { local, committed } = await this.#arrivals.run(origin, async () => {
      const local = await this.#readable(origin, { sender, type }, messages)
      const committed = this.#context.commit([
        write.toDevice.receive(origin, messageId, clock.now()),
        ...write.toDevice.insert(await welcomeMessages(this.#context, local), clock.now()),
      ])
      return { local, committed }
    })
    if ((await committed).ok) await this.#waitingBytes.arrived(local)
  }

  /** What of an EDU is for devices here, and can be read. */
  async #readable(
    origin: string,
    { sender, type }: Pick<NewMessage, 'sender' | 'type'>,
    messages: JsonObject,
  ): Promise<NewMessage[]> {
    const local: NewMessage[] = []
    let tooLarge = 0
    for (const [userId, devices] of Object.entries(messages)) {
      if (!this.#context.isLocal(userId) || !isJsonObject(devices)) continue
      const readable = Object.entries(devices).filter(
        (entry): entry is [string, JsonObject] => isJsonObject(entry[1]) && !entry[0].includes('\0'),
      )
      const taken: Record<string, JsonObject> = {}
      for (const [deviceId, content] of readable) {
        if (await this.#isTooLarge(userId, deviceId, content)) tooLarge += 1
        else taken[deviceId] = content
      }
      local.push(...(await this.#localMessages({ userId, sender, type }, taken)))
    }
    if (tooLarge > 0)
      this.#context.log.warn({ origin, sender, count: tooLarge }, 'messages to devices are too large')
    return local
  }

  async #isTooLarge(userId: string, deviceId: string, content: JsonObject): Promise<boolean> {
    const size = Buffer.byteLength(JSON.stringify(content))
    if (deviceId !== '*' || size <= SHORT || !this.#context.isLocal(userId)) return size > MAX_CONTENT
    return size > MAX_CONTENT || size * (await this.#context.deviceIds(userId)).length > MAX_COPIES
  }

  /** "Only one message can be sent to each device per transaction": one that is named gets its own, not what all get. */
  async #localMessages(
    common: Pick<NewMessage, 'userId' | 'sender' | 'type'>,
    devices: Readonly<Record<string, JsonObject>>,
  ): Promise<NewMessage[]> {
    const { '*': forAll, ...named } = devices
    const isMixed = forAll !== undefined && Object.keys(named).length > 0
    const others = isMixed ? await this.#context.deviceIds(common.userId) : []
    const addressed = isMixed
      ? { ...Object.fromEntries(others.map(deviceId => [deviceId, forAll])), ...named }
      : devices
    return Object.entries(addressed).map(([deviceId, content]) => ({
      ...common,
      deviceId,
      content: JSON.stringify(content),
    }))
  }

  /** Gives up what has waited for too long, and forgets the transactions of clients that nobody repeats any more. */
  async expire(): Promise<void> {
    const { write, clock } = this.#context
    await this.#context.commit([
      write.toDevice.expire(clock.now() - KEPT_MS),
      write.toDevice.expireReceived(clock.now() - RECEIVED_KEPT_MS),
      write.transactions.expire(clock.now() - TRANSACTIONS_KEPT_MS),
    ])
    if (clock.now() < this.#crowdsAt) return
    this.#crowdsAt = clock.now() + CROWDS_MS
    const crowded = await this.#context.read.toDevice.crowded(this.#maxWaiting)
    if (crowded.length > 0)
      this.#context.log.warn({ devices: crowded.length }, 'too many messages wait for devices')
    await this.#context.commit([write.toDevice.dropBeyond(crowded, this.#maxWaiting)])
  }

  #kept(edus: readonly KeptEdu[]): ReturnType<KeepEdus> {
    try {
      return this.#keepEdus(edus)
    } catch (error) {
      if (!(error instanceof CanonicalJsonError)) throw error
      throw new MatrixError('M_BAD_JSON', `A message cannot be sent to another server: ${error.message}.`)
    }
  }
}
