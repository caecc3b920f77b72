import type { Clock } from '../../core/clock.ts'
import {
  ACTIVE_FOR_MS,
  GONE_AFTER_MS,
  isGone,
  judgePresence,
  type PresenceJudgement,
  type PresenceName,
} from '../../core/presence.ts'
import type { Processes } from '../processes.ts'
import { Deadlines } from '../sync/deadlines.ts'
import type { LocalUser, SaidActivity, Told } from './local-user.ts'
import { devicesElsewhere, devicesOf, toldOf, withNews, withWord } from './local-user.ts'

/** Devices that are there are told of again before so long. */
const TOLD_FOR_MS = 150_000
const LEFT = -1
/** Devices whose process is gone have so long to come back to another. */
const RETURN_MS = 60_000
/** Within so long of the last time it is no news that an online user does something. */
const SAME_ACTIVITY_MS = 1_000
/** Told in one message. */
const BATCH = 100

/** What the devices of a local user amount to. */
export interface LocalJudgement extends PresenceJudgement {
  /** When they last did something; `undefined` if no device is known any more. */
  readonly lastActiveTs: number | undefined
}

/**
 * Follows what the devices of local users do, and says when that changes the user's presence. A user may have devices at several
 * processes: each tells the others of those that are there, and judges its own users by all of them. One device may come to
 * several, too: what it said last counts at each.
 */
export class LocalPresence {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #users = new Map<string, LocalUser>()
  readonly #judged: (userId: string, judgement: LocalJudgement) => void

  readonly #processes: Processes
  #untold: Told[] = []

  constructor(parts: {
    clock: Clock
    processes: Processes
    /** Told whenever something may have changed, at once or when time has passed. */
    judged: (userId: string, judgement: LocalJudgement) => void
  }) {
    this.#clock = parts.clock
    this.#deadlines = new Deadlines(parts.clock)
    this.#judged = parts.judged
    this.#processes = parts.processes
    const { bulletin } = parts.processes
    if (bulletin.isAlone) return
    bulletin.on('device activity', all => this.#hear(all as readonly Told[]), { replayed: true })
  }

  /**
   * Tells other processes again of the devices that are there, and forgets those of processes that are gone. Answers who is here that
   * was at one of these, too: other servers may have been told of them by it.
   */
  async tellAgain(): Promise<string[]> {
    if (this.#processes.bulletin.isAlone) return []
    const now = this.#clock.now()
    const left: string[] = []
    for (const [userId, user] of this.#users) {
      for (const [key, told] of user.others) if (told.untilTs <= now) user.isLeft = user.others.delete(key)
      if (user.isLeft && user.devices.size > 0) left.push(userId)
      user.isLeft = false
      for (const [deviceId, device] of user.devices) this.#tell(userId, deviceId, device)
      if (user.devices.size === 0 && user.others.size === 0) this.#judgeAndTell(userId)
    }
    await this.#postAll()
    return left
  }

  /** A device begins a `/sync`; the answer is to be called when that ends. */
  syncing(userId: string, deviceId: string, chosen: PresenceName): () => void {
    const device = this.#device(userId, deviceId)
    // "If set to offline the client is not marked as being online": what it has chosen otherwise stays.
    if (chosen === 'offline' && device !== undefined && device.chosen !== 'offline') return () => {}
    const now = this.#clock.now()
    const end = (): void => this.#ended(userId, deviceId)
    if (device !== undefined && device.chosen === chosen && !isGone(device, now)) {
      // It was there, and is: whoever waits for news all day need not be judged at each request.
      this.#keep(userId, deviceId, { ...device, openSyncs: device.openSyncs + 1, lastSeenTs: now })
      return end
    }
    const wasOffline = this.#judge(userId).presence === 'offline'
    // To connect is to do something, but a second device that connects by itself does not wake an idle user.
    const lastActiveTs = wasOffline ? now : (device?.lastActiveTs ?? this.#judge(userId).lastActiveTs ?? now)
    const said = withWord(device, chosen, now)
    this.#set(userId, deviceId, { ...said, openSyncs: said.openSyncs + 1, lastActiveTs })
    return end
  }

  /** The user says how they are, on one device. "When setting the status, the activity time is updated." */
  choose(userId: string, deviceId: string, chosen: PresenceName): void {
    this.#set(userId, deviceId, withWord(this.#device(userId, deviceId), chosen, this.#clock.now()))
  }

  /** The user does something, which makes them online, unless the device is to seem offline. */
  active(userId: string, deviceId: string): void {
    const device = this.#device(userId, deviceId)
    if (device?.chosen === 'offline') return
    const now = this.#clock.now()
    if (device?.chosen === 'online' && now - device.lastActiveTs < SAME_ACTIVITY_MS) return
    const said = withWord(device, 'online', now)
    // To be online on and on is no new word.
    this.#set(userId, deviceId, device?.chosen === 'online' ? { ...said, saidTs: device.saidTs } : said)
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

  /** The devices of this process are there no longer, unless they come back to another. */
  async close(): Promise<void> {
    this.#deadlines.close()
    if (this.#processes.bulletin.isAlone) return
    for (const { told } of this.#users.values())
      this.#untold.push(...[...told.values()].map(one => ({ ...one, untilTs: LEFT })))
    await this.#postAll()
  }

  /** A device by what it has said and done, here or elsewhere. */
  #device(userId: string, deviceId: string): SaidActivity | undefined {
    const user = this.#users.get(userId)
    const own = user?.devices.get(deviceId)
    if (own !== undefined || user === undefined) return own
    const elsewhere = devicesElsewhere(user.others.values(), this.#clock.now()).get(deviceId)
    return elsewhere && { ...elsewhere, openSyncs: 0 }
  }

  /** A `/sync` has ended. The device is there still, and gone only after a while: that is judged then, or before. */
  #ended(userId: string, deviceId: string): void {
    const device = this.#users.get(userId)?.devices.get(deviceId)
    if (device === undefined) return
    const now = this.#clock.now()
    const openSyncs = Math.max(device.openSyncs - 1, 0)
    this.#keep(userId, deviceId, { ...device, openSyncs, lastSeenTs: now })
    if (this.#user(userId).judgedAgainTs > now + GONE_AFTER_MS) this.#judgeAndTell(userId)
  }

  #set(userId: string, deviceId: string, device: SaidActivity): void {
    this.#keep(userId, deviceId, device)
    this.#judgeAndTell(userId)
  }

  #keep(userId: string, deviceId: string, device: SaidActivity): void {
    this.#user(userId).devices.set(deviceId, device)
    if (!this.#processes.bulletin.isAlone) this.#tellIfNews(userId, deviceId, device)
  }

  #user(userId: string): LocalUser {
    const known = this.#users.get(userId)
    if (known !== undefined) return known
    const user = {
      ...{ devices: new Map(), told: new Map(), others: new Map() },
      ...{ cancelDeadline: () => {}, judgedAgainTs: Number.POSITIVE_INFINITY, isLeft: false },
    }
    this.#users.set(userId, user)
    return user
  }

  #tellIfNews(userId: string, deviceId: string, device: SaidActivity): void {
    const told = this.#users.get(userId)?.told.get(deviceId)
    const isNews =
      told === undefined ||
      told.chosen !== device.chosen ||
      device.lastActiveTs - told.lastActiveTs >= ACTIVE_FOR_MS
    if (!isNews) return
    this.#tell(userId, deviceId, device)
    void this.#postAll()
  }

  #tell(userId: string, deviceId: string, device: SaidActivity | undefined): void {
    const user = this.#user(userId)
    const { id: by } = this.#processes
    const told = toldOf({ userId, deviceId, by }, device, this.#clock.now() + TOLD_FOR_MS)
    if (device === undefined) user.told.delete(deviceId)
    else user.told.set(deviceId, told)
    this.#untold.push(told)
  }

  async #postAll(): Promise<void> {
    while (this.#untold.length > 0)
      await this.#processes.bulletin.post('device activity', this.#untold.splice(0, BATCH))
  }

  #hear(all: readonly Told[]): void {
    for (const told of all) {
      const { userId, deviceId, by, untilTs } = told
      if (by === this.#processes.id) continue
      const user = this.#user(userId)
      if (untilTs <= 0) user.others.delete(`${by} ${deviceId}`)
      else user.others.set(`${by} ${deviceId}`, told)
      const own = user.devices.get(deviceId)
      const { lastActiveTs, saidTs = lastActiveTs } = told
      if (own !== undefined && untilTs > 0) this.#keep(userId, deviceId, withNews(own, { ...told, saidTs }))
      this.#drop(userId, user)
      if (untilTs !== LEFT) continue
      user.isLeft = true
      this.judgeLater(userId, RETURN_MS)
    }
  }

  #drop(userId: string, user: LocalUser): void {
    if (user.devices.size + user.others.size + user.told.size === 0) this.#users.delete(userId)
  }

  #judge(userId: string): LocalJudgement {
    const now = this.#clock.now()
    const devices = devicesOf(this.#users.get(userId), now)
    const lastActiveTs = devices.length === 0 ? undefined : Math.max(...devices.map(one => one.lastActiveTs))
    return { ...judgePresence(devices, now), lastActiveTs }
  }

  #judgeAndTell(userId: string): void {
    const judgement = this.#judge(userId)
    const user = this.#users.get(userId)
    if (user !== undefined) {
      const now = this.#clock.now()
      for (const [deviceId, device] of user.devices) if (isGone(device, now)) user.devices.delete(deviceId)
      for (const deviceId of [...user.told.keys()])
        if (!user.devices.has(deviceId)) this.#tell(userId, deviceId, undefined)
      void this.#postAll()
      user.cancelDeadline()
      user.judgedAgainTs = judgement.until
      this.#drop(userId, user)
      if (user.devices.size === 0) user.cancelDeadline = () => {}
      else if (Number.isFinite(judgement.until))
        user.cancelDeadline = this.#deadlines.add(judgement.until, () => this.#judgeAndTell(userId))
    }
    this.#judged(userId, judgement)
  }
}
