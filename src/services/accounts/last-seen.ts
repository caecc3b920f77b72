import type { Device, LastSeen } from '../../storage/accounts/devices.ts'
import type { AccountsContext } from './context.ts'

/** Rows of one write. */
const BATCH = 500

/** More devices than this do not wait: they are written with the next flush or, failing that, not at all. */
const MAX_PENDING = 100_000

/**
 * When and from where devices were last heard of, collected in memory and written in batches: "may be a few minutes
 * out of date, for efficiency reasons" (device management). A crash loses what was not written yet.
 */
export class LastSeenRecorder {
  readonly #context: AccountsContext
  #pending = new Map<string, LastSeen>()

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /** Notes that a device was heard of. */
  note(seen: LastSeen): void {
    if (this.#pending.size < MAX_PENDING) this.#pending.set(`${seen.userId} ${seen.deviceId}`, seen)
  }

  /** A stored device with what is noted of it and not written yet. */
  newest(userId: string, device: Device): Device {
    const seen = this.#pending.get(`${userId} ${device.deviceId}`)
    if (seen === undefined || seen.ts < (device.lastSeenTs ?? 0)) return device
    return { ...device, lastSeenTs: seen.ts, lastSeenIp: seen.ip, lastSeenUserAgent: seen.userAgent }
  }

  /** Writes what was noted. What could not be written is noted again, unless something newer is. */
  async flush(): Promise<void> {
    const pending = [...this.#pending.values()]
    this.#pending = new Map()
    for (let start = 0; start < pending.length; start += BATCH) {
      const batch = pending.slice(start, start + BATCH)
      try {
        await this.#context.commit([this.#context.write.devices.seen(batch)])
      } catch (error) {
        const newer = this.#pending
        this.#pending = new Map()
        for (const seen of pending.slice(start)) this.note(seen)
        for (const seen of newer.values()) this.note(seen)
        throw error
      }
    }
  }
}
