import type { StreamName } from '../../src/storage/database.ts'
import { OutboxWriter } from '../../src/storage/federation/outbox-writer.ts'
import { FollowedStreams } from '../../src/storage/followed-streams.ts'
import { makeBelongings } from './belongings.ts'
import { talk } from './conversation.ts'
import { makePeople } from './people.ts'
import { makeRooms } from './rooms.ts'
import { type FillOptions, makeWorld, type World } from './world.ts'

/** What follows the streams in a running server, and would do its work on all that is here. */
const FOLLOWERS: Readonly<Record<string, StreamName>> = {
  push: 'events',
  direct: 'invites',
  'profile-propagation': 'profiles',
  'guest access': 'events',
  'media references': 'events',
  'notifications of events': 'events',
  'notifications of receipts': 'receipts',
  'notifications of invitation_records': 'invitation_records',
  'wanted invitations': 'account_data',
  'invitation records of events': 'events',
  'invitation records of invites': 'invites',
  'mailed invitations': 'invitation_records',
  'device list updates': 'device_lists',
  'followed device lists': 'events',
}

/** Fills an empty database with a world by the write path of the server, many write sets at a time. */
export const fill = async (options: FillOptions): Promise<void> => {
  const world = await makeWorld(options)
  const { pace } = world
  await pace.phase('accounts')
  await makePeople(world)
  await pace.phase('rooms and members')
  const rooms = await makeRooms(world)
  await pace.phase('events')
  const spoken = await talk(world, rooms)
  await pace.phase('receipts, messages to devices, files')
  await makeBelongings(world, rooms, spoken)
  await pace.phase('')
  await settle(world)
}

/** Everything has been followed and delivered. */
const settle = async ({ database, others, clock }: World): Promise<void> => {
  const followed = new FollowedStreams(database)
  const outbox = new OutboxWriter(database)
  const reached = Object.entries(FOLLOWERS).map(([name, stream]) =>
    followed.reached(name, database.position(stream)),
  )
  const nothing = { rooms: new Map<number, number>(), edus: [], now: clock.end }
  const acknowledged = others.flatMap(({ serverName }) => outbox.acknowledged(serverName, nothing))
  await database.commit({
    statements: [...reached, outbox.distributed(database.position('events')), ...acknowledged],
  })
}
