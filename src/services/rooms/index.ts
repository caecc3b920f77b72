import { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { signedWhenAsked } from '../../core/event/builder.ts'
import { type Log, silentLog } from '../../core/log.ts'
import { DEFAULT_ROOM_VERSION, type RoomVersion, roomVersion } from '../../core/room-versions.ts'
import type { SigningKey } from '../../core/signing.ts'
import type { Database } from '../../storage/database.ts'
import type { NidAllocator } from '../../storage/nids.ts'
import { roomReaders, roomWriters } from '../../storage/rooms/index.ts'
import { Processes } from '../processes.ts'
import { Aggregations } from './aggregations.ts'
import { ClientEvents } from './client-events.ts'
import { Directory, type QueryRemoteAlias } from './directory.ts'
import { DummyEvents } from './dummy-events.ts'
import { Erasures } from './erasures.ts'
import { type FetchHistory, HistoryPages } from './history-pages.ts'
import type { IgnoredUsers } from './ignored-users.ts'
import { Memberships } from './memberships.ts'
import { PartialRooms } from './partial-rooms.ts'
import type { MemberProfile, RemoteMemberships } from './ports.ts'
import { type Resolver, threadedResolver } from './resolver.ts'
import { type AccessOf, accessOf, administratorAccess } from './room-access.ts'
import { RoomCreation } from './room-creation.ts'
import { RoomCreator } from './room-creator.ts'
import type { RoomDefaults } from './room-defaults.ts'
import { RoomHistory } from './room-history.ts'
import { RoomReading } from './room-reading.ts'
import { RoomRelations } from './room-relations.ts'
import { RoomSender } from './room-sender.ts'
import { openSights, type Seeing } from './room-sight.ts'
import { RoomUpgrades } from './room-upgrade.ts'
import { createRoomViews, type RoomViews } from './room-views.ts'
import { type RoomsContext, RoomWriter } from './room-writer.ts'
import { Sending } from './sending.ts'
import { StateResets } from './state-resets.ts'
import { Successors } from './successors.ts'
import { Timelines } from './timeline.ts'
import { tokenPositions } from './token-position.ts'

/** What endpoints ask about rooms in general. */
export interface RoomSettings {
  readonly serverName: string
  readonly defaultVersion: RoomVersion
  /** The version that a client asked for. Throws `M_UNSUPPORTED_ROOM_VERSION`. */
  versionFor(id: string | undefined): RoomVersion
}

/** The room services, as the endpoints see them. */
export interface RoomServices {
  readonly roomSettings: RoomSettings
  readonly roomCreation: RoomCreation
  readonly sending: Sending
  readonly memberships: Memberships
  readonly directory: Directory
  readonly roomUpgrades: RoomUpgrades
  readonly successors: Successors
  readonly roomReading: RoomReading
  readonly roomRelations: RoomRelations
  readonly roomHistory: RoomHistory
}

/** The part that federation is built on, before the services above. */
export interface RoomCore {
  readonly context: RoomsContext
  readonly writer: RoomWriter
  readonly sender: RoomSender
  readonly dummies: DummyEvents
  readonly views: RoomViews
  readonly clientEvents: ClientEvents
  readonly signingKey: SigningKey
}

/** Rooms whose auth graphs are kept in memory: hardly more fork at the same time. */
const ROOMS_IN_CONFLICT = 8

/** Builds what writes rooms. */
export const createRoomCore = (parts: {
  database: Database
  nids: NidAllocator
  clock: Clock
  serverName: string
  signingKey: SigningKey
  random: (size: number) => Uint8Array
  log?: Log
  metrics?: RoomsContext['metrics']
  /** By default: one that knows of no settings. */
  processes?: Processes
  /** By default: conflicts of some size are resolved in threads. */
  resolver?: Resolver
}): RoomCore => {
  const { database, signingKey, ...others } = parts
  const read = roomReaders(database, signedWhenAsked(parts.serverName, signingKey))
  const erasures = new Erasures(database, parts.clock)
  const log = parts.log ?? silentLog
  const context: RoomsContext = {
    erasures,
    ...others,
    log,
    resets: new StateResets(log, parts.metrics),
    resolver: parts.resolver ?? threadedResolver(),
    processes: parts.processes ?? new Processes({ database, clock: parts.clock, log }),
    partial: new PartialRooms({ read, clock: parts.clock }),
    authEdges: new LRUCache({ max: ROOMS_IN_CONFLICT }),
    db: database,
    read,
    write: roomWriters(database),
  }
  const views = createRoomViews(database, read)
  const aggregations = new Aggregations(read, views.ignoredUsers)
  const writer = new RoomWriter(context)
  const sender = new RoomSender(writer, signingKey)
  const dummies = new DummyEvents(writer, sender)
  writer.onForked = head => dummies.consider(head)
  return {
    context,
    writer,
    sender,
    dummies,
    views,
    clientEvents: new ClientEvents({
      ...{ read, views: views.state, aggregations, erasures },
      clock: parts.clock,
    }),
    signingKey,
  }
}

/** Builds what local users do in rooms, over what federation offers. */
export const createRooms = (
  core: RoomCore,
  parts: {
    profile: MemberProfile
    remote: RemoteMemberships
    queryRemoteAlias: QueryRemoteAlias
    fetchHistory: FetchHistory
    defaultRoomVersion: string
    /** What new rooms get whose makers do not say; nothing, if not given. */
    defaults?: RoomDefaults
    log: Log
  },
): RoomServices => {
  const { context, writer, sender, views, clientEvents, signingKey } = core
  const { profile, log } = parts
  const directory = new Directory(writer, sender, parts.queryRemoteAlias)
  const successors = new Successors(writer, log)
  const joined = (userId: string, roomId: string): Promise<void> => successors.joined(userId, roomId)
  const memberships = new Memberships({
    ...{ writer, sender, signingKey, profile, joined, log },
    invitePolicies: views.invitePolicies,
    remote: parts.remote,
  })
  const { roomReading, roomHistory } = createReading(core, parts.fetchHistory, {
    access: accessOf,
    sights: views.sights,
    ignoredUsers: views.ignoredUsers,
  })
  const creator = new RoomCreator(writer, signingKey)
  return {
    roomSettings: roomSettings(context.serverName, parts.defaultRoomVersion),
    directory,
    memberships,
    sending: new Sending({ writer, sender, memberships, directory }),
    roomCreation: new RoomCreation({
      clock: context.clock,
      creator,
      memberships,
      directory,
      profile,
      invitePolicies: views.invitePolicies,
      defaults: parts.defaults,
      invitationFailed: ({ error, ...facts }) =>
        log.warn({ ...facts, err: error }, 'invitation not delivered'),
    }),
    roomUpgrades: new RoomUpgrades({ writer, sender, creator, profile, successors, log }),
    successors,
    roomReading,
    roomRelations: new RoomRelations({
      ...{ read: context.read, roomReading, clientEvents },
      ...{ sights: views.sights, ignoredUsers: views.ignoredUsers },
      tokenPosition: tokenPositions(context.db),
    }),
    roomHistory,
  }
}

/** Who reads rooms, and what of them they see. */
interface Readers {
  readonly access: AccessOf
  readonly sights: Seeing
  readonly ignoredUsers: Pick<IgnoredUsers, 'of'>
}

const createReading = (
  { context, views, clientEvents }: RoomCore,
  fetchHistory: FetchHistory,
  { access, sights, ignoredUsers }: Readers,
): Pick<RoomServices, 'roomReading' | 'roomHistory'> => {
  const { read, partial } = context
  const currentPosition = (): number => context.db.position('events')
  const tokenPosition = tokenPositions(context.db)
  const reading = { read, views: views.state, clientEvents, currentPosition, tokenPosition }
  return {
    roomReading: new RoomReading({ ...reading, access, sights, partial }),
    roomHistory: new RoomHistory({
      ...reading,
      pages: new HistoryPages({
        ...{ read, access, sights, ignoredUsers, partial, fetchHistory },
        timelines: new Timelines(views.pages, sights),
      }),
    }),
  }
}

/** The same reading for administrators, who see all of all rooms. */
export const createOpenReading = (
  core: RoomCore,
  fetchHistory: FetchHistory,
): Pick<RoomServices, 'roomReading' | 'roomHistory'> =>
  createReading(core, fetchHistory, {
    access: administratorAccess,
    sights: openSights,
    ignoredUsers: { of: async () => new Set() },
  })

const roomSettings = (serverName: string, defaultId: string): RoomSettings => {
  const versionFor = (id: string | undefined): RoomVersion => {
    const version = roomVersion(id ?? defaultId)
    if (version === undefined) {
      throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', `This server does not know room version ${id}`)
    }
    return version
  }
  return { serverName, defaultVersion: versionFor(defaultId || DEFAULT_ROOM_VERSION), versionFor }
}
