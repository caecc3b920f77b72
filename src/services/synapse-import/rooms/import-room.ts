import { type RoomVersion, roomVersion } from '../../../core/room-versions.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { RoomRow } from '../../../storage/rooms/rooms.ts'
import type { SynapseRooms } from '../../../storage/synapse/rooms/room-reader.ts'
import type { SettledMemberships } from '../../../storage/synapse/rooms/settled-memberships.ts'
import { StateGroupReader } from '../../../storage/synapse/rooms/state-group-reader.ts'
import type { RoomCore } from '../../rooms/index.ts'
import { endStatements } from '../../rooms/room-ends.ts'
import { RoomHead } from '../../rooms/room-head.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import type { ImportWorld } from '../step.ts'
import type { ImportClock } from './import-clock.ts'
import { MergedTimeline, type PastGround, type TimelineCursor } from './merged-timeline.ts'
import { PresentStates } from './present-states.ts'
import { type Progressed, RoomDraft, type RoomParts, type TimelineEvent } from './room-draft.ts'
import { RoomNodes } from './room-nodes.ts'
import { RoomStates } from './room-states.ts'
import { readSourceEvent } from './source-event.ts'
import { inRuns, readTimeline } from './timeline-events.ts'

/** What all rooms are moved with. */
export interface RoomMove {
  readonly world: ImportWorld
  readonly core: RoomCore
  readonly clock: ImportClock
  readonly source: SynapseRooms
  readonly memberships: SettledMemberships
}

/** What is told of a room while it is moved. */
export interface RoomTold {
  /** Events came over. */
  came(what: string, count: number): void
  left(why: string, count: number): void
  /** The room's timeline is moved up to there with the commit that this is a part of. */
  reached(cursor: TimelineCursor, events: number): WriteStatement
}

/** A room that is moved but for its last commit, which may be on its way still. */
export interface MovedRoom {
  readonly stored: Promise<void>
}

/** From where on a room is moved, and to where. */
export interface RoomSpan {
  readonly from: TimelineCursor
  readonly ground: PastGround
  /** No position is greater. */
  readonly end: number
  /** So many events share a commit. */
  readonly page: number
}

/** Moves the rest of a room's timeline from after a point of it. Answers why not, if it cannot be moved. */
export const moveRoom = async (
  move: RoomMove,
  roomId: string,
  told: RoomTold,
  span: RoomSpan,
): Promise<MovedRoom | string> => {
  const room = await openRoom(move, roomId, span.from)
  if (typeof room === 'string') return room
  const { source } = move
  const timeline = new MergedTimeline(source, roomId, { ...span, size: span.page })
  let rows = await timeline.next()
  for (;;) {
    const at = timeline.cursor
    const next = await timeline.next()
    const events = await readTimeline(source, rows, { ...room, told })
    await room.parts.states.prefetch(events)
    await room.parts.present.readUpTo(at.live)
    const runs = inRuns(events)
    for (const [index, run] of runs.entries()) {
      const isLast = index === runs.length - 1
      const isEnd = isLast && next.length === 0
      const note = isLast ? [told.reached(at, rows.length)] : []
      const { stored } = await storeRun(move, room, { run, note, isEnd, last: at.position })
      if (isEnd) return { stored }
      await stored
    }
    rows = next
  }
}

/** A room that is being moved. */
interface OpenRoom {
  readonly roomId: string
  readonly version: RoomVersion
  readonly parts: RoomParts
  readonly progressed: Progressed
}

const openRoom = async (
  { core, clock, source, world }: RoomMove,
  roomId: string,
  from: TimelineCursor,
): Promise<OpenRoom | string> => {
  const row = await source.row(roomId)
  const found = await source.createEvent(roomId)
  const id = row.version ?? versionIn(found?.json)
  const version = id === undefined ? undefined : roomVersion(id)
  if (version === undefined) return `Rooms of version ${id ?? '?'}, which Tessera does not know`
  const create = found && readSourceEvent(found, roomId, version)
  if (create === undefined || typeof create === 'string')
    return 'Rooms of which the first event cannot be read'
  const { context, writer } = core
  const known = (await writer.head(roomId))?.room
  const { sender, originServerTs } = create.event
  const room: RoomRow = known ?? {
    ...{ nid: context.nids.next(), roomId, version: version.id, headVersion: 0, latestTs: 0 },
    ...{ isPublic: row.isPublished, creator: sender, createdTs: originServerTs },
  }
  const { nid } = room
  if (known === undefined) makeRoom(writer, room, version)
  const nodes = new RoomNodes(context, source, { roomId, nid, version })
  const states = new RoomStates(source, new StateGroupReader(world.source), nodes)
  const present = new PresentStates(source, roomId, from.live)
  const partialJoin = await source.partialJoin(roomId)
  const parts: RoomParts = { context, clock, nodes, states, present, partialJoin }
  const newest = known && (await context.read.events.newestAt(nid, Number.MAX_SAFE_INTEGER))
  const gaps = known === undefined ? [] : await context.read.gaps.ofRoom(nid)
  return {
    roomId,
    version,
    parts,
    progressed: { position: newest?.position, gaps: gaps.length, isLive: from.live > 0 },
  }
}

/** Stores a room that has no events yet. What comes after it is stored after it. */
const makeRoom = (writer: RoomWriter, room: RoomRow, version: RoomVersion): void => {
  const { context } = writer
  context.read.events.roomIs(room.roomId, room.nid)
  const stored = writer.create<void>(room.roomId, async () => ({
    head: new RoomHead(room, version, [], [], new Map()),
    draft: { statements: [context.write.rooms.insert(room)], nids: [], result: () => undefined },
  }))
  // Whoever waits for what comes after it is told.
  stored.catch(() => undefined)
}

const versionIn = (json: string | undefined): string | undefined => {
  if (json === undefined) return undefined
  const named = /"room_version"\s*:\s*"([^"]{1,32})"/.exec(json)
  return named?.[1] ?? '1'
}

/** Events that share a commit. */
interface Run {
  readonly run: readonly TimelineEvent[]
  readonly note: readonly WriteStatement[]
  /** Nothing of the room comes after them. */
  readonly isEnd: boolean
  /** The position of the last event that was read. */
  readonly last: number | undefined
}

/** Resolves as soon as the commit is on its way. */
const storeRun = async (
  { core, clock, source, memberships }: RoomMove,
  room: OpenRoom,
  { run, note, isEnd, last }: Run,
): Promise<MovedRoom> => {
  const { parts, roomId, progressed } = room
  const { context, writer } = core
  await context.nids.ensure(run.length + 1)
  const named = await context.read.redactions.named(run.map(({ event }) => event.eventId))
  const drafted = Promise.withResolvers<void>()
  const stored = writer.update<void>(roomId, async head => {
    const ends = head.extremities
    const draft = new RoomDraft(parts, head, { progressed, unnamed: eventId => !named.has(eventId) })
    for (const event of run) await draft.add(event)
    if (isEnd) await finish(draft, head, { source, parts, roomId, run, last })
    clock.isEnd()
    drafted.resolve()
    return {
      statements: [
        ...draft.statements,
        ...endStatements(context, head, ends),
        ...(isEnd ? [memberships.of(head.room.nid)] : []),
        ...note,
      ],
      nids: draft.nids,
      result: () => draft.settle(),
    }
  })
  // Whoever waits for it is told.
  stored.catch(drafted.reject)
  await drafted.promise
  return { stored }
}

/** The room's ends and its state become what Synapse has as such. */
const finish = async (
  draft: RoomDraft,
  head: RoomHead,
  {
    source,
    parts,
    roomId,
    run,
    last,
  }: Pick<RoomMove, 'source'> & Pick<OpenRoom, 'parts' | 'roomId'> & Pick<Run, 'run' | 'last'>,
): Promise<void> => {
  const [ids, state] = await Promise.all([source.forwardExtremities(roomId), source.currentState(roomId)])
  const shown = new Map(run.filter(isShown).map(({ event }) => [event.eventId, event.depth]))
  for (const [eventId, stored] of await parts.context.read.events.byIds(ids.filter(id => !shown.has(id))))
    if (stored.position !== undefined && isShown(stored)) shown.set(eventId, stored.event.depth)
  const nodes = await parts.nodes.stored(ids)
  const ends = ids.flatMap(eventId => {
    const [nid, depth] = [nodes.get(eventId)?.nid, shown.get(eventId)]
    return nid === undefined || depth === undefined ? [] : [{ nid, eventId, depth }]
  })
  if (ends.length > 0) head.setExtremities(ends)
  if (state.length > 0 && last !== undefined)
    await draft.move(await parts.states.differenceTo(head.state, state), last + 1)
}

const isShown = ({ rejected, softFailed }: Pick<TimelineEvent, 'rejected' | 'softFailed'>): boolean =>
  rejected === undefined && !softFailed
