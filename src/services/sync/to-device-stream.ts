import type { Answer } from '../answer.ts'
import type { ToDevice } from '../encryption/to-device.ts'
import type { SyncRequest } from './sync-request.ts'
import { type News, NO_NEWS, type SyncSource } from './sync-source.ts'
import type { TouchedUsers } from './touched-users.ts'

/** "100 messages is recommended as a reasonable limit." */
const MAX_MESSAGES = 100

/** The `to_device` stream of `/sync`: what waits for the device that asks, until its next token acknowledges it. */
export class ToDeviceStream implements SyncSource {
  readonly stream = 'to_device'
  readonly position: () => number
  readonly #toDevice: ToDevice
  readonly #recipients: TouchedUsers

  constructor(toDevice: ToDevice, recipients: TouchedUsers, position: () => number) {
    this.#toDevice = toDevice
    this.#recipients = recipients
    this.position = position
  }

  news({ requester }: SyncRequest, after: number | undefined, upTo: number): Answer<News> {
    const { userId, deviceId } = requester
    if (deviceId === undefined) return NO_NEWS
    const isQuiet =
      after !== undefined &&
      this.#toDevice.isAcknowledged(userId, deviceId, after) &&
      this.#recipients.areWithout(userId, after, upTo)
    return isQuiet ? NO_NEWS : this.#waiting(userId, deviceId, after, upTo)
  }

  async #waiting(userId: string, deviceId: string, after: number | undefined, upTo: number): Promise<News> {
    if (after !== undefined) await this.#toDevice.acknowledge(userId, deviceId, after)
    const span = { after: after ?? 0, upTo }
    if (span.after >= upTo) return NO_NEWS
    const messages = await this.#toDevice.waiting(userId, deviceId, span, MAX_MESSAGES + 1)
    const told = messages.slice(0, MAX_MESSAGES)
    const texts = told.map(
      ({ type, sender, content }) =>
        `{"type":${JSON.stringify(type)},"sender":${JSON.stringify(sender)},"content":${content}}`,
    )
    const last = told.at(-1)
    return {
      events: new Map([['to_device', texts]]),
      // What does not fit comes with the next response, so the token may not be past it.
      ...(messages.length > told.length && last !== undefined ? { upTo: last.position } : {}),
    }
  }
}
