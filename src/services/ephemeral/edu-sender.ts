import type { Log } from '../../core/log.ts'
import type { OutgoingEdu, QueueEdu } from './ports.ts'

/** Hands EDUs to federation without anybody waiting for it: what concerns local users does not depend on it. */
export class EduSender {
  readonly #queue: QueueEdu
  readonly #serverName: string
  readonly #log: Log

  constructor(parts: { queue: QueueEdu; serverName: string; log: Log }) {
    this.#queue = parts.queue
    this.#serverName = parts.serverName
    this.#log = parts.log
  }

  /** Queues an EDU for those of the destinations that are other servers. */
  send(edu: OutgoingEdu): void {
    const destinations = edu.destinations.filter(server => server !== this.#serverName)
    if (destinations.length > 0) void this.#hand({ ...edu, destinations })
  }

  async #hand(edu: OutgoingEdu): Promise<void> {
    try {
      await this.#queue(edu)
    } catch (error) {
      this.#log.warn({ type: edu.type, err: error }, 'an EDU could not be queued')
    }
  }
}
