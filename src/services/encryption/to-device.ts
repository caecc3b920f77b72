import { hash } from 'node:crypto'
import { MatrixError } from '../../core/errors.ts'
import { fitsBytes, isUserId, MAX_ID_BYTES, serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { NewMessage, WaitingMessage } from '../../storage/encryption/to-device.ts'
import type { EncryptionContext } from './context.ts'
import type { QueueEdu } from './ports.ts'

/** User ID → device ID (or `*`) → content. */
export type ToDeviceMessages = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>

/** Messages that nobody has fetched for so long are given up: the device is dead. */
export const KEPT_MS = 180 * 86_400_000

/** For so long another server's message is known again. */
const RECEIVED_KEPT_MS = 30 * 86_400_000

/** For so long a client may repeat a request, and is told which of its own requests made an event. */
const TRANSACTIONS_KEPT_MS = 30 * 86_400_000

/** Messages that go into one EDU, so that a transaction stays of a size that everybody takes. */
const EDU_BYTES = 256 * 1024

/** Messages to devices (module "Send-to-Device messaging"). */
export class ToDevice {
  readonly #context: EncryptionContext
  readonly #queueEdu: QueueEdu

  constructor(context: EncryptionContext, queueEdu: QueueEdu) {
    this.#context = context
    this.#queueEdu = queueEdu
  }

  /**
   * Sends messages of one type, once for each transaction of a device: those for local devices in one commit.
   * @throws {MatrixError} `M_INVALID_PARAM`
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
    const local: NewMessage[] = []
    const remote = new Map<string, [userId: string, deviceId: string, content: JsonObject][]>()
    for (const [userId, devices] of Object.entries(messages)) {
      if (!isUserId(userId)) throw new MatrixError('M_INVALID_PARAM', `${userId} is no user ID.`)
      for (const [deviceId, content] of Object.entries(devices)) {
        if (this.#context.isLocal(userId)) {
          local.push({ userId, deviceId, sender: sender.userId, type, content: JSON.stringify(content) })
        } else {
          const server = serverNameOf(userId)
          remote.set(server, [...(remote.get(server) ?? []), [userId, deviceId, content]])
        }
      }
    }
    // A crash after this has the client repeat the request; the message IDs then are the same, and known there.
    const source = [sender.userId, sender.deviceId, type, txnId]
    for (const [server, batch] of remote) await this.#sendRemote(server, sender.userId, type, source, batch)
    const key = { ...sender, scope: `sendToDevice ${type}`, txnId }
    // A failed guard means that this transaction was sent before.
    await this.#context.commit([
      write.transactions.remember(key, { id: '' }, clock.now()),
      ...write.toDevice.insert(local, clock.now()),
    ])
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

  /** The device has received everything up to a position: it "should be deleted from the store". */
  async acknowledge(userId: string, deviceId: string, position: number): Promise<void> {
    const { read, write } = this.#context
    if (!(await read.toDevice.anyUpTo(userId, deviceId, position))) return
    await this.#context.commit([write.toDevice.acknowledge(userId, deviceId, position)])
  }

  /** Takes in an `m.direct_to_device` EDU, once for each message ID of its server. */
  async receive(origin: string, edu: JsonObject): Promise<void> {
    const { write, clock } = this.#context
    const { sender, type, message_id: messageId, messages } = edu
    if (typeof sender !== 'string' || serverNameOf(sender) !== origin || !isUserId(sender)) return
    if (typeof type !== 'string' || !fitsBytes(type, MAX_ID_BYTES) || type.includes('\0')) return
    if (typeof messageId !== 'string' || !fitsBytes(messageId, MAX_ID_BYTES) || messageId.includes('\0'))
      return
    if (!isJsonObject(messages)) return
    const local: NewMessage[] = []
    for (const [userId, devices] of Object.entries(messages)) {
      if (!this.#context.isLocal(userId) || !isJsonObject(devices)) continue
      for (const [deviceId, content] of Object.entries(devices)) {
        if (!isJsonObject(content) || deviceId.includes('\0')) continue
        local.push({ userId, deviceId, sender, type, content: JSON.stringify(content) })
      }
    }
    await this.#context.commit([
      write.toDevice.receive(origin, messageId, clock.now()),
      ...write.toDevice.insert(local, clock.now()),
    ])
  }

  /** Gives up what has waited for too long, and forgets the transactions of clients that nobody repeats any more. */
  async expire(): Promise<void> {
    const { write, clock } = this.#context
    await this.#context.commit([
      write.toDevice.expire(clock.now() - KEPT_MS),
      write.toDevice.expireReceived(clock.now() - RECEIVED_KEPT_MS),
      write.transactions.expire(clock.now() - TRANSACTIONS_KEPT_MS),
    ])
  }

  async #sendRemote(
    server: string,
    sender: string,
    type: string,
    source: readonly string[],
    batch: readonly (readonly [userId: string, deviceId: string, content: JsonObject])[],
  ): Promise<void> {
    for (const [index, part] of partsOf(batch).entries()) {
      const messages: Record<string, Record<string, JsonObject>> = {}
      for (const [userId, deviceId, content] of part) {
        messages[userId] = { ...messages[userId], [deviceId]: content }
      }
      const messageId = hash('sha256', JSON.stringify([...source, server, index]), 'base64url')
      await this.#queueEdu({
        destinations: [server],
        type: 'm.direct_to_device',
        content: { sender, type, message_id: messageId, messages },
        keep: true,
      })
    }
  }
}

type Part = readonly [userId: string, deviceId: string, content: JsonObject]

const partsOf = (batch: readonly Part[]): Part[][] => {
  const parts: Part[][] = [[]]
  let size = 0
  for (const entry of batch) {
    const bytes = Buffer.byteLength(JSON.stringify(entry))
    if (size > 0 && size + bytes > EDU_BYTES) {
      parts.push([])
      size = 0
    }
    parts.at(-1)?.push(entry)
    size += bytes
  }
  return parts
}
