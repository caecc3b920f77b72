import { randomBytes } from 'node:crypto'
import { signingKeyFromSeed } from '../../../core/signing.ts'
import { DatabaseUnavailable } from '../../../storage/database.ts'
import { NidAllocator } from '../../../storage/nids.ts'
import { positionOf, StreamMoves } from '../../../storage/synapse/rooms/positions.ts'
import { SynapseRooms } from '../../../storage/synapse/rooms/room-reader.ts'
import { SettledMemberships } from '../../../storage/synapse/rooms/settled-memberships.ts'
import { SynapseUnreadable } from '../../../storage/synapse/source.ts'
import { createRoomCore } from '../../rooms/index.ts'
import type { ImportStep, ImportWorld, StepProgress } from '../step.ts'
import { ImportClock } from './import-clock.ts'
import { moveRoom, type RoomMove, type RoomTold } from './import-room.ts'
import { BEGINNING, groundTaken, type TimelineCursor } from './merged-timeline.ts'

/** So many commits are under way: they come to the disk together, in their order. */
const AT_ONCE = 16

/**
 * Rooms with their timelines and states, one after the other. Where an event stands follows from where it stands in Synapse
 * (`storage/synapse/rooms/positions.ts`): in all rooms together they have the order in which they came.
 *
 * @param page so many events share a commit
 */
export const roomsStepBy = (page: number): ImportStep => ({
  name: 'rooms and their events',
  count: async world => (hasRooms(world) ? new SynapseRooms(world.source).countEvents() : 0),
  run: async (world, progress) => {
    if (!hasRooms(world)) return
    const { db } = world
    const move = await roomMove(world)
    const end = positionOf((await move.source.newest()) + 1)
    const streams = new StreamMoves(db)
    // From here on tokens of Synapse are read (`held-token.ts`).
    await db.commit({ statements: [...streams.beyond('events', end), ...streams.beyond('imported', 1)] })
    const noted = readNote(progress.lastKey)
    const under: Promise<void>[] = []
    let base = noted?.base ?? 0
    for (const { roomId, newest } of await move.source.rooms()) {
      if (noted !== undefined && newest < noted.newest) continue
      const from = noted?.newest === newest ? noted.cursor : BEGINNING
      const ground = { base, count: await move.source.countPast(roomId) }
      const told = tellingOf(progress, { newest, base })
      const span = { from, ground, end, page }
      const moved = await moveRoom(move, roomId, told, span).catch(error => Promise.reject(of(roomId, error)))
      if (typeof moved === 'string') {
        progress.left(moved)
        continue
      }
      base += groundTaken(ground)
      progress.came('rooms')
      const stored = moved.stored.catch(error => Promise.reject(of(roomId, error)))
      // Whoever waits for it is told.
      stored.catch(() => undefined)
      under.push(stored)
      if (under.length >= AT_ONCE) await under.shift()
    }
    await Promise.all(under)
    await db.commit({ statements: streams.beyond('backfill', base) })
  },
})

/** What went wrong with a room, with its name: whoever runs the import can look for it at Synapse, or remove it there. Of databases it is not the room's fault. */
const of = (roomId: string, error: unknown): unknown =>
  error instanceof DatabaseUnavailable || error instanceof SynapseUnreadable
    ? error
    : new Error(`the room ${roomId} cannot be moved`, { cause: error })

/** So many events share a commit. */
const PAGE = 500

export const roomsStep: ImportStep = roomsStepBy(PAGE)

const hasRooms = ({ source }: ImportWorld): boolean => source.has('events')

/** What moves rooms. Nothing is signed here: the key that all is made with is of no matter. */
export const roomMove = async (world: ImportWorld): Promise<RoomMove> => {
  const { db: database, serverName } = world
  const clock = new ImportClock(world.now)
  const nids = await NidAllocator.open(database, 'rooms')
  const signingKey = signingKeyFromSeed('ed25519:import', randomBytes(32))
  const core = createRoomCore({ database, nids, clock, serverName, signingKey, random: randomBytes })
  core.writer.onForked = undefined
  const memberships = new SettledMemberships(database)
  return { world, core, clock, memberships, source: new SynapseRooms(world.source) }
}

const tellingOf = (progress: StepProgress, at: { newest: number; base: number }): RoomTold => ({
  came: (what, count) => progress.came(what, count),
  left: (why, count) => progress.left(why, count),
  reached: (cursor, events) => progress.note([JSON.stringify({ ...at, cursor })], events),
})

/** How far an earlier attempt has come: with which room, where its past stands, and in it. */
interface Note {
  readonly newest: number
  readonly base: number
  readonly cursor: TimelineCursor
}

const readNote = (key: StepProgress['lastKey']): Note | undefined => {
  const [text] = key ?? []
  return typeof text === 'string' ? (JSON.parse(text) as Note) : undefined
}
