import { type DeviceActivity, isGone, type PresenceName } from '../../core/presence.ts'

/** What a device says and does, to whichever process. */
export interface SaidActivity extends DeviceActivity {
  /** Since when it says to be what it says: of what it has told several processes, the last counts. */
  readonly saidTs: number
}

/** A local user with devices that are there. */
export interface LocalUser {
  /** Those whose requests come to this process. */
  readonly devices: Map<string, SaidActivity>
  /** Of those, what other processes were last told. */
  readonly told: Map<string, Told>
  /** Those of other processes, by process and device. */
  readonly others: Map<string, Told>
  cancelDeadline: () => void
  /** When they are judged again by themselves. */
  judgedAgainTs: number
  /** A process where they were, too, is gone. */
  isLeft: boolean
}

/** A device that is there: of which process, and what it says and does. What processes tell each other. */
export type Told = {
  readonly userId: string
  readonly deviceId: string
  readonly by: string
  readonly chosen: PresenceName
  readonly lastActiveTs: number
  /** Older processes do not tell it. */
  readonly saidTs?: number
  /** It is told again before this; else its process is gone. 0: the device is gone; −1: its process is. */
  readonly untilTs: number
}

/** What each device has said to other processes, as long as these are there. */
export const devicesElsewhere = (others: Iterable<Told>, now: number): Map<string, SaidActivity> => {
  const devices = new Map<string, SaidActivity>()
  for (const { deviceId, chosen, lastActiveTs, saidTs = lastActiveTs, untilTs } of others) {
    if (untilTs <= now) continue
    const heard = { chosen, lastActiveTs, saidTs, openSyncs: 1, lastSeenTs: now }
    devices.set(deviceId, withNews(devices.get(deviceId) ?? heard, heard))
  }
  return devices
}

/** The devices of a user that are there, or were just now, at any process. */
export const devicesOf = (user: LocalUser | undefined, now: number): readonly SaidActivity[] => {
  const known = devicesElsewhere(user?.others.values() ?? [], now)
  // What was heard of one's own devices from elsewhere they are known by already, unless they are gone from here.
  for (const [deviceId, device] of user?.devices ?? [])
    if (!known.has(deviceId) || !isGone(device, now)) known.set(deviceId, device)
  return [...known.values()]
}

/** What other processes are told of a device until `untilTs`, or that it is gone. */
export const toldOf = (
  whose: Pick<Told, 'userId' | 'deviceId' | 'by'>,
  device: SaidActivity | undefined,
  untilTs: number,
): Told => {
  const { chosen = 'offline', lastActiveTs = 0, saidTs = 0 } = device ?? {}
  return { ...whose, chosen, lastActiveTs, saidTs, untilTs: device === undefined ? 0 : untilTs }
}

/** A device whose user says now what they are: after all that it is known to have said, also to a process whose clock is ahead. */
export const withWord = (
  device: SaidActivity | undefined,
  chosen: PresenceName,
  now: number,
): SaidActivity => {
  const saidTs = Math.max(now, (device?.saidTs ?? 0) + 1)
  return { chosen, openSyncs: device?.openSyncs ?? 0, lastSeenTs: now, lastActiveTs: now, saidTs }
}

/** A device by what it said last, and did last. */
export const withNews = (
  device: SaidActivity,
  news: Pick<SaidActivity, 'chosen' | 'saidTs' | 'lastActiveTs'>,
): SaidActivity => {
  const { chosen, saidTs } = news.saidTs > device.saidTs ? news : device
  return { ...device, chosen, saidTs, lastActiveTs: Math.max(device.lastActiveTs, news.lastActiveTs) }
}
