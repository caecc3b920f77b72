/**
 * What a user's presence follows from (client-server API, "Presence"): what each of their devices says, and when it
 * was last heard of. Pure: instants are given, in milliseconds.
 */

export type PresenceName = 'online' | 'unavailable' | 'offline'

/** What one device of a user has last said and done. */
export interface DeviceActivity {
  /** What it says to be. */
  readonly chosen: PresenceName
  /** How many of its `/sync` requests wait right now. */
  readonly openSyncs: number
  /** When it last was heard of. */
  readonly lastSeenTs: number
  /** When its user last did something of their own accord ("pro-active event"). */
  readonly lastActiveTs: number
}

/** What a user's presence is now, and until when nothing but their own doing can change it. */
export interface PresenceJudgement {
  readonly presence: PresenceName
  readonly currentlyActive: boolean
  /** When it has to be judged again; `Infinity` if nothing changes by itself. */
  readonly until: number
}

/** "set a user's presence to unavailable if their last active time was over a threshold value (e.g. 5 minutes)". */
export const IDLE_AFTER_MS = 5 * 60_000
/** A device that has not come back to `/sync` for so long is "not connected to an event stream". */
export const GONE_AFTER_MS = 30_000
/** For so long after doing something a user counts as currently active. */
export const ACTIVE_FOR_MS = 60_000

const RANK: Record<PresenceName, number> = { offline: 0, unavailable: 1, online: 2 }

const deviceAt = (device: DeviceActivity, now: number): { presence: PresenceName; until: number } => {
  const { chosen, openSyncs, lastSeenTs, lastActiveTs } = device
  const gone = openSyncs > 0 ? Number.POSITIVE_INFINITY : lastSeenTs + GONE_AFTER_MS
  if (now >= gone) return { presence: 'offline', until: Number.POSITIVE_INFINITY }
  if (chosen === 'offline') return { presence: 'offline', until: gone }
  const idle = lastActiveTs + IDLE_AFTER_MS
  if (chosen === 'unavailable' || now >= idle) return { presence: 'unavailable', until: gone }
  return { presence: 'online', until: Math.min(gone, idle) }
}

/** Whether a device says nothing any more, however long one waits. */
export const isGone = (device: DeviceActivity, now: number): boolean =>
  device.openSyncs === 0 && now >= device.lastSeenTs + GONE_AFTER_MS

/** The presence of a user by all their devices: the liveliest one counts. */
export const judgePresence = (devices: Iterable<DeviceActivity>, now: number): PresenceJudgement => {
  let presence: PresenceName = 'offline'
  let until = Number.POSITIVE_INFINITY
  let lastActiveTs = Number.NEGATIVE_INFINITY
  for (const device of devices) {
    const judged = deviceAt(device, now)
    if (RANK[judged.presence] > RANK[presence]) presence = judged.presence
    until = Math.min(until, judged.until)
    lastActiveTs = Math.max(lastActiveTs, device.lastActiveTs)
  }
  const activeUntil = lastActiveTs + ACTIVE_FOR_MS
  const currentlyActive = presence === 'online' && now < activeUntil
  return { presence, currentlyActive, until: currentlyActive ? Math.min(until, activeUntil) : until }
}
