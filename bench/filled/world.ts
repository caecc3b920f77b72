import type { Clock } from '../../src/core/clock.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { type SigningKey, signingKeyFromSeed } from '../../src/core/signing.ts'
import { createRoomCore, type RoomCore } from '../../src/services/rooms/index.ts'
import type { EventTemplate } from '../../src/services/rooms/local-event.ts'
import type { Database } from '../../src/storage/database.ts'
import { NidAllocator } from '../../src/storage/nids.ts'
import { SeededRandom } from '../../src/test-kit/seeded-random.ts'
import { Pace } from './pace.ts'
import type { Scale } from './scales.ts'

/** A server with its key. */
export interface Signer {
  readonly serverName: string
  readonly key: SigningKey
}

/** Everything that fills share. */
export interface World {
  readonly database: Database
  readonly scale: Scale
  readonly core: RoomCore
  readonly nids: NidAllocator
  readonly home: Signer
  readonly others: readonly Signer[]
  readonly random: SeededRandom
  readonly clock: FillClock
  readonly pace: Pace
}

/** What filling is given. */
export interface FillOptions {
  /** Migrated, and empty. */
  readonly database: Database
  readonly scale: Scale
  readonly serverName: string
  readonly signingKey: SigningKey
  /** The same seed makes the same world, but for its signatures and the time. */
  readonly seed?: number
  readonly now: number
  readonly progress?: (line: string) => void
}

const YEAR_MS = 365 * 24 * 3600 * 1000

/** A year passes while the world is made. */
export class FillClock implements Clock {
  readonly end: number
  #now: number

  constructor(end: number) {
    this.end = end
    this.#now = end - YEAR_MS
  }

  now(): number {
    return this.#now
  }

  /** @param part of the year: 0 its beginning, 1 its end */
  pass(part: number): void {
    this.#now = Math.max(this.#now, Math.round(this.end - YEAR_MS * (1 - Math.min(1, part))))
  }

  /** Nobody waits here. */
  sleep(): Promise<void> {
    return Promise.resolve()
  }
}

export const makeWorld = async (options: FillOptions): Promise<World> => {
  const { database, scale, serverName, signingKey } = options
  const random = new SeededRandom(options.seed ?? 1)
  const clock = new FillClock(options.now)
  const nids = await NidAllocator.open(database, 'rooms')
  const core = createRoomCore({
    ...{ database, nids, clock, serverName, signingKey },
    random: size => Uint8Array.from({ length: size }, () => random.below(256)),
  })
  const others = Array.from({ length: scale.servers }, (_, index) => ({
    serverName: `server${index}.example`,
    key: signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(1 + (index % 250))),
  }))
  return {
    ...{ database, scale, core, nids, random, clock, others },
    home: { serverName, key: signingKey },
    pace: new Pace(options.progress ?? (() => undefined)),
  }
}

/** The account in every room, the one in a single room, the one in every second: their work is compared. */
export const EVERYWHERE = 0
export const ONCE = 1
export const HALF = 2

const NAMES: readonly string[] = ['everywhere', 'once', 'half']

export const userId = (world: Pick<World, 'home'>, user: number): string =>
  `@${NAMES[user] ?? `user${user}`}:${world.home.serverName}`

/** The device that every account has. */
export const DEVICE = 'FILLED'

/** The password of all accounts. */
export const PASSWORD = 'correct horse battery staple'

export const displayName = (user: number): string => `${NAMES[user] ?? 'User'} ${user}`

/** The index of the large room, of which everybody of this server is a member. */
export const LARGE_ROOM = 0

export const roomAlias = (world: Pick<World, 'home'>, room: number): string =>
  `#room${room}:${world.home.serverName}`

/** Something that somebody says, on whichever server they are. */
export interface Said extends EventTemplate {
  readonly content: JsonObject
  readonly signer: Signer
}
