/** How big a filled database is. */
export interface Scale {
  /** Accounts of this server. */
  readonly users: number
  readonly rooms: number
  /** Members of the large room: everybody of this server, and others. */
  readonly members: number
  /** All events, those that make rooms and members among them. */
  readonly events: number
  /** Other servers, on which the other members are. */
  readonly servers: number
  /** One-time keys of each device. */
  readonly keys: number
}

export const SCALES = {
  /** For tests: made in about a second. */
  tiny: { users: 30, rooms: 12, members: 60, events: 900, servers: 3, keys: 4 },
  small: { users: 500, rooms: 100, members: 2_500, events: 50_000, servers: 20, keys: 20 },
  medium: { users: 2_500, rooms: 500, members: 12_500, events: 500_000, servers: 100, keys: 30 },
  full: { users: 10_000, rooms: 2_000, members: 50_000, events: 2_000_000, servers: 400, keys: 30 },
} as const satisfies Record<string, Scale>

export type ScaleName = keyof typeof SCALES
