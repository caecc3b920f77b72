import type { Database } from '../../storage/database.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Encryption } from '../encryption/index.ts'
import { DeviceListsStream } from './device-lists-stream.ts'
import type { Follower } from './notifier.ts'
import type { RoomWatch } from './room-watch.ts'
import type { SyncSource } from './sync-source.ts'
import { ToDeviceStream } from './to-device-stream.ts'
import { TouchedUsers } from './touched-users.ts'

/** What `/sync` takes from end-to-end encryption, and who is woken by it. */
export const connectEncryption = (parts: {
  encryption: Encryption
  db: Database
  watch: RoomWatch
  rooms: RoomReaders
}): { readonly sources: readonly SyncSource[]; readonly followers: readonly Follower[] } => {
  const { encryption, db, watch, rooms } = parts
  const { read } = encryption.context
  const addConcerned = async (userId: string, concerned: Set<string>): Promise<void> => {
    concerned.add(userId)
    for (const { roomNid } of await rooms.memberships.ofUser(userId, ['join']))
      for (const other of watch.usersIn(roomNid)) concerned.add(other)
  }
  const recipients = new TouchedUsers(db.position('to_device'))
  const toDevice = following(db, 'to_device', async (after, upTo) => {
    const users = await read.toDevice.recipients(after, upTo)
    recipients.follow(users, upTo)
    return users
  })
  const deviceLists = following(db, 'device_lists', async (after, upTo) => {
    const concerned = new Set<string>()
    for (const { userId, audience } of await read.deviceLists.usersBetween(after, upTo)) {
      if (audience === undefined) await addConcerned(userId, concerned)
      else concerned.add(audience)
    }
    return concerned
  })
  return {
    followers: [toDevice, deviceLists],
    sources: [
      new ToDeviceStream(encryption.toDevice, recipients, () => db.position('to_device')),
      new DeviceListsStream({
        spans: encryption.deviceListSpans,
        keysLeft: encryption.keysLeft,
        watch,
        position: () => db.position('device_lists'),
      }),
    ],
  }
}

const following = (
  db: Database,
  stream: Follower['stream'],
  concerned: (after: number, upTo: number) => Promise<Iterable<string>>,
): Follower => {
  let position = db.position(stream)
  const goOn = async (upTo: number): Promise<Iterable<string>> => {
    const users = await concerned(position, upTo)
    position = upTo
    return users
  }
  return { stream, follow: upTo => (upTo <= position ? [] : goOn(upTo)) }
}
