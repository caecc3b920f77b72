import type { DeviceActivity, PresenceName } from '../../core/presence.ts'

/** A local user with devices that are there. */
export interface LocalUser {
  /** Those whose requests come to this process. */
  readonly devices: Map<string, DeviceActivity>
  /** Of those, what other processes were last told. */
  readonly told: Map<string, Told>
  /** Those of other processes, by process and device. */
  readonly others: Map<string, Told>
  cancelDeadline: () => void
  /** When they are judged again by themselves. */
  judgedAgainTs: number
}

/** A device that is there: of which process, and what it says and does. What processes tell each other. */
export type Told = {
  readonly userId: string
  readonly deviceId: string
  readonly by: string
  readonly chosen: PresenceName
  readonly lastActiveTs: number
  /** It is told again before this; else its process is gone. 0: the device is gone; −1: its process is. */
  readonly untilTs: number
}
