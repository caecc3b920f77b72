import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { PresenceAnnouncer } from './presence-announcer.ts'
import { OFFLINE, PresenceStates } from './presence-states.ts'

const ALICE = '@alice:a.test'

type Parts = ConstructorParameters<typeof PresenceAnnouncer>[0]

/** An announcer over memberships that are read when `read` is called, and what it has told. */
const createAnnouncer = (overFederation = false) => {
  const rooms: number[] = []
  const reads: (() => void)[] = []
  const told: string[] = []
  const states = new PresenceStates(0)
  states.set(ALICE, { ...OFFLINE, presence: 'online' })
  const asked: (readonly string[])[] = []
  const joinedRooms = (userIds: readonly string[]) => {
    asked.push(userIds)
    const found = new Map(userIds.map(userId => [userId, new Set(rooms)]))
    return new Promise(resolve => reads.push(() => resolve(found)))
  }
  const hosts = Promise.withResolvers<readonly string[]>()
  const memberships = { joinedRooms, joinedHosts: () => hosts.promise }
  const sent: (readonly string[])[] = []
  const announcer = new PresenceAnnouncer({
    states,
    context: { serverName: 'a.test', read: { memberships } } as unknown as Parts['context'],
    bulletin: {
      tell: async (userId: string, roomNids: readonly number[]) => {
        told.push(`${userId} ${roomNids}`)
        states.place(userId, new Set(roomNids))
      },
    } as unknown as Parts['bulletin'],
    shared: { hosts: async () => [], isLarger: async () => false } as unknown as Parts['shared'],
    edus: {
      send: ({ destinations }: { destinations: readonly string[] }) => void sent.push(destinations),
    } as unknown as Parts['edus'],
    clock: new FakeClock(),
    log: silentLog,
    overFederation,
  })
  const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  const read = async (): Promise<void> => {
    await turn()
    for (const answer of reads.splice(0)) answer()
    await turn()
  }
  return { announcer, states, rooms, told, read, asked, hosts, sent }
}

test('what is announced while the rooms of before are read is announced after that', async t => {
  const { announcer, rooms, told, read } = createAnnouncer()
  rooms.push(1)
  announcer.announce(ALICE)
  announcer.announce(ALICE)
  await new Promise(resolve => setImmediate(resolve))
  rooms.push(2)
  announcer.announce(ALICE)
  announcer.announce(ALICE)
  await read()
  t.deepEqual(told, [`${ALICE} 1`])
  await read()
  t.deepEqual(told, [`${ALICE} 1`, `${ALICE} 1,2`], 'once, however often')
  await announcer.idle()
})

test('what was announced last is waited for, also while something is under way', async t => {
  const { announcer, told, read } = createAnnouncer()
  await announcer.told(ALICE)
  announcer.announce(ALICE)
  await new Promise(resolve => setImmediate(resolve))
  announcer.announce(ALICE)
  const toldAt = announcer.told(ALICE).then(() => told.length)
  await read()
  await read()
  t.is(await toldAt, 2)
  await announcer.told(ALICE)
})

test('who has come into a room is not announced for it beside what says that they are there', async t => {
  const { announcer, rooms, told, read } = createAnnouncer()
  rooms.push(1)
  announcer.announce(ALICE)
  await new Promise(resolve => setImmediate(resolve))
  const move = announcer.moved(ALICE, 1, true)
  await read()
  await move
  await read()
  t.deepEqual(told, [`${ALICE} 1`])
  rooms.push(2)
  await announcer.moved(ALICE, 2, true)
  await read()
  t.deepEqual(told, [`${ALICE} 1`, `${ALICE} 1,2`], 'for what it did not know')
  await announcer.idle()
})

test('whoever waits until all is told waits also for the servers of a room that somebody has come into', async t => {
  const { announcer, rooms, read, hosts, sent } = createAnnouncer(true)
  rooms.push(1)
  announcer.announce(ALICE)
  await read()
  sent.splice(0)
  void announcer.moved(ALICE, 2, true)
  let isOver = false
  const idle = announcer.idle().then(() => {
    isOver = true
  })
  for (let n = 0; n < 3; n++) await read()
  t.false(isOver)
  hosts.resolve(['b.test'])
  await idle
  t.deepEqual(sent, [['b.test']])
})

test('the rooms of all whom an EDU is about are read at once', async t => {
  const { announcer, rooms, told, read, asked } = createAnnouncer()
  rooms.push(1)
  const users = Array.from({ length: 150 }, (_, index) => `@${index}:b.test`)
  for (const userId of users) announcer.announce(userId)
  await read()
  await announcer.idle()
  t.deepEqual(asked, [users])
  t.deepEqual(
    told,
    users.map(userId => `${userId} 1`),
  )
})

test('other servers are told of who was left by another process, once, and not of who is gone', async t => {
  const { announcer, states, sent } = createAnnouncer(true)
  states.set('@gone:a.test', OFFLINE)
  await announcer.tellAgain([ALICE, '@gone:a.test', '@unknown:a.test'])
  t.is(sent.length, 1)
  await announcer.tellAgain([ALICE])
  t.is(sent.length, 1)
})

test('who comes into a room while they are gone is told of here, and to no other server again', async t => {
  const { announcer, states, rooms, told, read, sent } = createAnnouncer(true)
  states.set(ALICE, { ...OFFLINE, lastActiveTs: 1 })
  rooms.push(1)
  let isOver = false
  const move = announcer.moved(ALICE, 1, Promise.resolve(true)).finally(() => {
    isOver = true
  })
  while (!isOver) await read()
  await move
  await announcer.idle()
  t.deepEqual([told, sent], [[`${ALICE} 1`], []])
})
