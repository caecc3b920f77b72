import type { AccountDataReader } from '../../storage/accounts/account-data.ts'
import { ProfileReader } from '../../storage/accounts/profiles.ts'
import { CompanionReader } from '../../storage/encryption/companions.ts'
import type { DeviceListSpans } from '../encryption/device-list-span.ts'
import type { ToDevice } from '../encryption/to-device.ts'
import type { ThreadSubscriptions } from '../push/thread-subscriptions.ts'
import type { UnreadCounts } from '../push/unread.ts'
import { AccountDataMemo } from '../rooms/account-data-memo.ts'
import type { RoomCore } from '../rooms/index.ts'
import type { SyncStreams } from '../sync/room-sync.ts'
import { ConnectionKeeper } from './connection-keeper.ts'
import { Connections } from './connections.ts'
import { ExtensionTexts } from './extensions.ts'
import { Handover } from './handover.ts'
import { People } from './people.ts'
import { ProfilesExtension } from './profiles-extension.ts'
import { RoomFacts } from './room-facts.ts'
import { RoomList } from './room-list.ts'
import { RoomStateFinder } from './room-state.ts'
import { RoomTexts } from './room-writer.ts'
import { SlidingSync } from './sliding-sync.ts'
import { StickyExtension } from './sticky-extension.ts'

export type { SlidingSync } from './sliding-sync.ts'

/** Builds sliding sync over the streams of `/sync`. */
export const createSlidingSync = (parts: {
  core: RoomCore
  streams: SyncStreams
  accountData: AccountDataReader
  toDevice: Pick<ToDevice, 'waiting' | 'acknowledge'>
  unread: Pick<UnreadCounts, 'ofRoom'>
  threads: Pick<ThreadSubscriptions, 'position' | 'changes'>
  deviceListSpans: Pick<DeviceListSpans, 'news'>
  /** Whether a user's doings are to reach nobody. */
  isUnheard: (userId: string) => Promise<boolean>
}): SlidingSync => {
  const { core, streams, accountData } = parts
  const { context, views, clientEvents } = core
  const { db, read } = context
  const {
    watch,
    notifier,
    invites,
    summaries,
    memo,
    timelines,
    reader: sync,
    sources,
    ready,
    partial,
    counted,
    recounting,
    profiles,
  } = streams
  const { sights } = views
  const random = (): number => Buffer.from(context.random(4)).readUInt32BE() * 1000
  const { clock, log } = context
  const maker = context.processes.number
  const connections = new Connections({ random, maker, now: () => clock.now() })
  const handover = new Handover({
    ...{ processes: context.processes, clock: context.clock, random },
    find: (key, serial) => connections.find(key, serial),
  })
  const keeper = new ConnectionKeeper({ database: db, clock, log, random, maker })
  keeper.inMemory = () => connections.all()
  connections.other = {
    elsewhere: (...wanted) => handover.fetch(...wanted),
    stored: (...wanted) => keeper.load(...wanted),
    late: (...wanted) => handover.late(...wanted),
    leave: (...gone) => keeper.leave(...gone),
    leaving: (...wanted) => keeper.leaving(...wanted),
  }
  return new SlidingSync({
    keeper,
    ...{ watch, notifier, invites, ready, counted, recounting, read, accountData, partial, profiles },
    ignoredUsers: views.ignoredUsers,
    invitePolicies: views.invitePolicies,
    direct: new AccountDataMemo<ReadonlySet<string>>({
      position: () => db.position('account_data'),
      content: userId => accountData.content(userId, '', 'm.direct'),
      parse: content =>
        new Set(Object.values(content).flatMap(rooms => (Array.isArray(rooms) ? rooms.map(String) : []))),
    }),
    connections,
    list: new RoomList({ read, sync, sights, partial }),
    rooms: new RoomTexts({
      ...{ read, sights, timelines, clientEvents },
      states: new RoomStateFinder({ views: views.state, memo, summaries }),
      facts: new RoomFacts({ read, sync, summaries, memo, partial, sights, unread: parts.unread }),
    }),
    extensions: new ExtensionTexts({
      ...{ sources, toDevice: parts.toDevice, threads: parts.threads },
      sticky: new StickyExtension({ sources, clientEvents, sights }),
      toDevicePosition: () => db.position('to_device'),
      profiles: new ProfilesExtension({
        ...{ profiles: new ProfileReader(db), position: () => profiles.position, isUnheard: parts.isUnheard },
        people: new People({
          ...{ serverName: context.serverName, companions: new CompanionReader(db) },
          ...{ spans: parts.deviceListSpans, watch, summaries },
        }),
      }),
    }),
  })
}
