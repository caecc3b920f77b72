import test from 'ava'
import type { AppService } from '../../core/app-service.ts'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'
import type { EphemeralServices } from '../ephemeral/index.ts'
import type { Announcement } from '../ephemeral/presence-states.ts'
import { AppServiceAudience } from './audience.ts'
import { PassingNews } from './passing-news.ts'

const ALICE = '@alice:here.test'

testDatabases(test, 'the rooms that a service has by name are asked about together', async (t, plain) => {
  const { database, during } = countedReads(plain)
  const { core, rooms } = await testRooms(database)
  const { context } = core
  const make = (name?: string) =>
    rooms.roomCreation.create(
      newRoom(rooms, ALICE, name === undefined ? {} : { alias: `#${name}:here.test` }),
      { isDirect: false },
    )
  const plainRooms: string[] = []
  for (const name of ['one', 'two', 'three', undefined]) plainRooms.push(await make(name))
  const [byAlias, byId] = [await make('irc_tea'), await make()]
  const audience = new AppServiceAudience(
    {
      ...{ senderId: '@bot:here.test', users: [] },
      aliases: [{ isExclusive: true, pattern: /^#irc_/ }],
      rooms: [{ isExclusive: false, pattern: new RegExp(`^${byId}`) }],
    } as unknown as AppService,
    context,
  )
  const named = await audience.named([...plainRooms, byAlias, byId])
  t.deepEqual([...named].toSorted(), [byAlias, byId].toSorted())
  t.deepEqual(await Promise.all([byAlias, byId, ...plainRooms].map(id => audience.isNamed(id))), [
    ...[true, true],
    ...plainRooms.map(() => false),
  ])

  const nids = async (roomIds: readonly string[]) =>
    new Set(await Promise.all(roomIds.map(async id => (await context.read.rooms.byId(id))?.nid ?? 0)))
  let announce: ((announcement: Announcement) => void) | undefined
  const stop = () => {}
  const states = {
    get: () => ({}),
    onAnnouncement: (listener: typeof announce) => {
      announce = listener
      return stop
    },
  }
  const ephemeral = {
    typing: { onChange: () => stop },
    presence: { states, content: () => ({ presence: 'online' }) },
  } as unknown as EphemeralServices
  const news = new PassingNews({ audience, context, ephemeral }, stop)
  const told = async (roomIds: readonly string[]) => {
    announce?.({ userId: ALICE, rooms: await nids(roomIds) })
    return (await news.take({ after: 0, upTo: 0 })).texts.length
  }
  t.is(await told(plainRooms), 0)
  t.is(await told([...plainRooms, byAlias]), 1)
  t.is(await told([...plainRooms, byId]), 1)
  const known = await nids(plainRooms)
  const asked = await during(async () => {
    announce?.({ userId: ALICE, rooms: known })
    await news.take({ after: 0, upTo: 0 })
  })
  t.is(asked, 2, 'what the rooms are, and their aliases')
})
