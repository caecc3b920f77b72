import type { Clock } from '../../core/clock.ts'
import {
  type DeviceActivity,
  isGone,
  judgePresence,
  type PresenceJudgement,
  type PresenceName,
} from '../../core/presence.ts'
import { Deadlines } from '../sync/deadlines.ts'

interface LocalUser {
  readonly devices: Map<string, DeviceActivity>
  cancelDeadline: () => void
}

/** What the devices of a local user amount to. */
export interface LocalJudgement extends PresenceJudgement {
  /** When they last did something; `undefined` if no device is known any more. */
  readonly lastActiveTs: number | undefined
}

/** Follows what the devices of local users do, and says when that changes the user's presence. */
export class LocalPresence {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #users = new Map<string, LocalUser>()
  readonly #judged: (userId: string, judgement: LocalJudgement) => void

  /** @param judged told whenever something may have changed, at once or when time has passed */
  constructor(clock: Clock, judged: (userId: string, judgement: LocalJudgement) => void) {
    this.#clock = clock
    this.#deadlines = new Deadlines(clock)
    this.#judged = judged
  }

  /** A device begins a `/sync`; the answer is to be called when that ends. */
  syncing(userId: string, deviceId: string, chosen: PresenceName): () => void {
    const device = this.#device(userId, deviceId)
    // "If set to offline the client is not marked as being online": what it has chosen otherwise stays.
    if (chosen === 'offline' && device !== undefined && device.chosen !== 'offline') return () => {}
    const now = this.#clock.now()
    const wasOffline = this.#judge(userId).presence === 'offline'
    // To connect is to do something, but a second device that connects by itself does not wake an idle user.
    const lastActiveTs = wasOffline ? now : (device?.lastActiveTs ?? this.#judge(userId).lastActiveTs ?? now)
    const openSyncs = (device?.openSyncs ?? 0) + 1
    this.#set(userId, deviceId, { chosen, openSyncs, lastSeenTs: now, lastActiveTs })
    return () => {
      const ended = this.#device(userId, deviceId)
      if (ended === undefined) return
      const left = Math.max(ended.openSyncs - 1, 0)
      this.#set(userId, deviceId, { ...ended, openSyncs: left, lastSeenTs: this.#clock.now() })
    }
  }

  /** The user says how they are, on one device. "When setting the status, the activity time is updated." */
  choose(userId: string, deviceId: string, chosen: PresenceName): void {
    const now = this.#clock.now()
    const openSyncs = this.#device(userId, deviceId)?.openSyncs ?? 0
    this.#set(userId, deviceId, { chosen, openSyncs, lastSeenTs: now, lastActiveTs: now })
  }

  /** The user does something, which makes them online, unless the device is to seem offline. */
  active(userId: string, deviceId: string): void {
    const device = this.#device(userId, deviceId)
    if (device?.chosen === 'offline') return
    const now = this.#clock.now()
    const openSyncs = device?.openSyncs ?? 0
    this.#set(userId, deviceId, { chosen: 'online', openSyncs, lastSeenTs: now, lastActiveTs: now })
  }

  /** Judges a user of whom no device is known, such as after a restart, once their devices have had time to call. */
  judgeLater(userId: string, afterMs: number): void {
    this.#deadlines.add(this.#clock.now() + afterMs, () => this.#judgeAndTell(userId))
  }

  /** Forgets all devices. */
  forget(userId: string): void {
    this.#users.get(userId)?.devices.clear()
    this.#judgeAndTell(userId)
  }

  close(): void {
    this.#deadlines.close()
  }

  #device(userId: string, deviceId: string): DeviceActivity | undefined {
    return this.#users.get(userId)?.devices.get(deviceId)
  }

  #set(userId: string, deviceId: string, device: DeviceActivity): void {
    const user = this.#users.get(userId) ?? { devices: new Map(), cancelDeadline: () => {} }
    this.#users.set(userId, user)
    user.devices.set(deviceId, device)
    this.#judgeAndTell(userId)
  }

  #judge(userId: string): LocalJudgement {
    const devices = [...(this.#users.get(userId)?.devices.values() ?? [])]
    const lastActiveTs = devices.length === 0 ? undefined : Math.max(...devices.map(one => one.lastActiveTs))
    return { ...judgePresence(devices, this.#clock.now()), lastActiveTs }
  }

  #judgeAndTell(userId: string): void {
    const judgement = this.#judge(userId)
    const user = this.#users.get(userId)
    if (user !== undefined) {
      const now = this.#clock.now()
      for (const [deviceId, device] of user.devices) if (isGone(device, now)) user.devices.delete(deviceId)
      user.cancelDeadline()
      if (user.devices.size === 0) this.#users.delete(userId)
      else if (Number.isFinite(judgement.until))
        user.cancelDeadline = this.#deadlines.add(judgement.until, () => this.#judgeAndTell(userId))
    }
    this.#judged(userId, judgement)
  }
}
