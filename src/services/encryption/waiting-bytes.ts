import type { NewMessage } from '../../storage/encryption/to-device.ts'
import type { EncryptionContext } from './context.ts'

/** Content that waits for one device, in bytes: as much as 100,000 room keys take. */
const MOST_BYTES = 128 * 1024 * 1024

/** After so many bytes to a user, on average, what waits for their devices is added up: that reads all of it. */
const LOOKED_AT_EVERY = 16 * 1024 * 1024

/**
 * Bounds what waits for devices by its bytes. What came first stays, so that nobody drives it out by a flood. When a user's devices are
 * looked at is left to chance, a large message being the likelier to have it done: nothing is remembered of anybody that made-up names
 * could drive out, or a restart forget.
 */
export class WaitingBytes {
  readonly #context: Pick<EncryptionContext, 'read' | 'log' | 'commit'> & {
    readonly write: Pick<EncryptionContext['write'], 'toDevice'>
  }
  readonly #most: number
  readonly #random: () => number

  constructor(
    context: Pick<EncryptionContext, 'read' | 'write' | 'log' | 'commit'>,
    { most = MOST_BYTES, random = Math.random }: { most?: number; random?: () => number } = {},
  ) {
    this.#context = context
    this.#most = most
    this.#random = random
  }

  /** Removes what is too much for the devices of some of those for whom messages were stored. Does not reject. */
  async arrived(messages: readonly Pick<NewMessage, 'userId' | 'content'>[]): Promise<void> {
    const chosen = messages.filter(
      ({ content }) => this.#random() * LOOKED_AT_EVERY < Buffer.byteLength(content),
    )
    for (const userId of new Set(chosen.map(message => message.userId))) {
      try {
        await this.#bound(userId)
      } catch (error) {
        this.#context.log.error({ err: error, userId }, 'messages to devices could not be added up')
      }
    }
  }

  async #bound(userId: string): Promise<void> {
    const { read, write, log, commit } = this.#context
    const devices = await read.toDevice.beyond(userId, this.#most)
    if (devices.length === 0) return
    log.warn({ userId, devices: devices.length }, 'too large messages wait for devices')
    await commit([write.toDevice.dropFrom(userId, devices)])
  }
}
