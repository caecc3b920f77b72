import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { authEventsFor } from '../src/core/auth/auth-events.ts'
import { buildEvent } from '../src/core/event/builder.ts'
import { type RoomEvent, stateMapKey } from '../src/core/event/event.ts'
import type { JsonObject } from '../src/core/json.ts'
import { DEFAULT_ROOM_VERSION, type RoomVersion, roomVersion } from '../src/core/room-versions.ts'
import { type SigningKey, signingKeyFromSeed } from '../src/core/signing.ts'
import { createRoomCore, type RoomCore } from '../src/services/rooms/index.ts'
import { NidAllocator } from '../src/storage/nids.ts'
import { openDatabase } from '../src/storage/open.ts'
import { systemClock } from '../src/system-clock.ts'

export const version = roomVersion(DEFAULT_ROOM_VERSION) as RoomVersion
export const key = signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(1))
/** For rooms whose signatures nobody looks at. */
const quick: SigningKey = { ...key, sign: () => 'A'.repeat(86) }
export const ALICE = '@alice:peer.test'
export const ME = '@me:here.test'

/** A room as it grows, each event after the one before unless told otherwise. */
export class GrowingRoom {
  readonly state = new Map<string, RoomEvent>()
  readonly all: RoomEvent[] = []
  last: RoomEvent | undefined
  signs: SigningKey

  /** When it was made, milliseconds; rooms made at different times have different IDs. */
  readonly madeTs: number

  constructor(signs: SigningKey = quick, madeTs = 1_700_000_000_000) {
    this.signs = signs
    this.madeTs = madeTs
    this.add(ALICE, 'm.room.create', '', { room_version: version.id })
    this.add(ALICE, 'm.room.member', ALICE, { membership: 'join' })
    this.powers({})
    this.add(ALICE, 'm.room.join_rules', '', { join_rule: 'public' })
  }

  get roomId(): string {
    return `!${this.all[0]?.eventId.slice(1)}`
  }

  powers(users: JsonObject): RoomEvent {
    return this.add(ALICE, 'm.room.power_levels', '', { users, ban: 50, kick: 50 })
  }

  add(sender: string, type: string, stateKey: string | undefined, content: JsonObject): RoomEvent {
    const points = authEventsFor({ sender, type, stateKey, content }, version)
    const event = buildEvent(
      {
        version,
        roomId: this.all.length === 0 ? undefined : this.roomId,
        ...{ sender, type, stateKey, content },
        prevEvents: this.last === undefined ? [] : [this.last.eventId],
        authEvents: points.flatMap(
          point => this.state.get(stateMapKey(point.type, point.stateKey))?.eventId ?? [],
        ),
        depth: (this.last?.depth ?? 0) + 1,
        originServerTs: this.madeTs + this.all.length,
      },
      'peer.test',
      this.signs,
    )
    this.all.push(event)
    this.last = event
    if (stateKey !== undefined) this.state.set(stateMapKey(type, stateKey), event)
    return event
  }

  /** Another branch from here on. */
  fork(): GrowingRoom {
    const branch = Object.create(GrowingRoom.prototype) as GrowingRoom
    return Object.assign(branch, this, { state: new Map(this.state), all: [...this.all] })
  }
}

/** Gives work a room core on a database of its own; `seen`: how many events the last resolution looked at. */
export const withCore = async <T>(work: (core: RoomCore, seen: () => number) => Promise<T>): Promise<T> => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-bench-'))
  const database = await openDatabase({ kind: 'sqlite', path: join(directory, 'bench.db') })
  let events = 0
  const resolved = (count: number): void => {
    events = count
  }
  try {
    const core = createRoomCore({
      database,
      nids: await NidAllocator.open(database, 'rooms'),
      clock: systemClock,
      serverName: 'here.test',
      signingKey: key,
      random: size => new Uint8Array(size),
      metrics: { stored: () => undefined, reset: () => undefined, resolved },
    })
    return await work(core, () => events)
  } finally {
    await database.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
