import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { silentLog } from '../../core/log.ts'
import { alice as ALICE, SERVER_NAME, testAccounts } from '../../test-kit/accounts.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'
import { Departure } from './departure.ts'
import { ProfilePropagation } from './profile-propagation.ts'
import type { RoomSender } from './room-sender.ts'
import { RoomContended } from './room-writer.ts'

testDatabases(
  test,
  'a new name reaches the rooms after a crash, once, and leaves the rest alone',
  async (t, db) => {
    const { core, rooms, clock } = await testRooms(db, { serverName: SERVER_NAME })
    const { accounts } = testAccounts(db, {}, clock)
    await accounts.createUser({ username: 'alice', password: 'correct horse', isAdmin: false })
    const roomIds: string[] = []
    for (let index = 0; index < 3; index++) {
      const options = newRoom(rooms, `@bob:${SERVER_NAME}`, { preset: 'public_chat' })
      roomIds.push(await rooms.roomCreation.create(options, { isDirect: false }))
    }
    const content = { 'org.example.colour': 'red', reason: 'hello' }
    for (const roomId of roomIds) await rooms.memberships.join({ userId: ALICE, roomId, content })
    const [banned = ''] = roomIds.splice(0, 1)
    await rooms.memberships.ban({ sender: `@bob:${SERVER_NAME}`, userId: ALICE, roomId: banned })
    const owner = { userId: ALICE, isGuest: false }
    const rename = (displayname: string): Promise<void> =>
      accounts.profiles.setField(owner, 'displayname', { displayname })
    const member = async (roomId: string): Promise<JsonObject | undefined> => {
      const nid = (await core.writer.head(roomId))?.entry('m.room.member', ALICE)?.nid
      return nid === undefined ? undefined : (await core.context.read.events.byNids([nid]))[0]?.event.content
    }
    const follow = (sender: Pick<RoomSender, 'send'> = core.sender): ProfilePropagation => {
      const profile = (userId: string) => accounts.profiles.memberProfile(userId)
      const propagation = new ProfilePropagation({
        ...{ context: core.context, sender, profile, clock, log: silentLog },
      })
      propagation.start()
      return propagation
    }

    await rename('Alice I')
    /** Rooms are told side by side; for the first of them, whichever it is, the database is away. */
    let failed: string | undefined
    const failing = follow({
      send: (roomId, template, options) => {
        if (failed === undefined) {
          failed = roomId
          throw new Error('the database is away')
        }
        return core.sender.send(roomId, template, options)
      },
    })
    // On PostgreSQL the lease waits to be renewed, too.
    const asleep = db.dialect.name === 'sqlite' ? 1 : 2
    while (clock.sleeping < asleep) await new Promise(resolve => setImmediate(resolve))
    t.is((await member(String(failed)))?.['displayname'], 'alice')
    await clock.advance(5_000)
    await failing.settled()
    for (const roomId of roomIds) {
      t.deepEqual(await member(roomId), {
        membership: 'join',
        displayname: 'Alice I',
        'org.example.colour': 'red',
      })
    }
    t.is((await member(banned))?.['membership'], 'ban')
    await failing.close()

    const before = db.position('events')
    const again = follow()
    await again.settled()
    t.is(db.position('events'), before, 'who has been told is not told again')
    await rename('Alice II')
    await again.settled()
    t.is((await member(String(roomIds[0])))?.['displayname'], 'Alice II')
    await rename('')
    await again.settled()
    t.deepEqual(await member(String(roomIds[1])), { membership: 'join', 'org.example.colour': 'red' })
    await again.close()
  },
)

testDatabases(
  test,
  'a room that cannot be told of a new name keeps nobody else from hearing of names',
  async (t, db) => {
    const { core, rooms, clock } = await testRooms(db, { serverName: SERVER_NAME })
    const { accounts } = testAccounts(db, {}, clock)
    await accounts.createUser({ username: 'alice', password: 'correct horse', isAdmin: false })
    const roomIds: string[] = []
    for (let index = 0; index < 2; index++)
      roomIds.push(await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false }))
    const told: string[] = []
    const propagation = new ProfilePropagation({
      ...{ context: core.context, clock, log: silentLog },
      profile: userId => accounts.profiles.memberProfile(userId),
      sender: {
        send: (roomId, template, options) => {
          if (roomId === roomIds[0])
            throw new MatrixError('M_CONNECTION_FAILED', 'The policy server does not answer')
          told.push(roomId)
          return core.sender.send(roomId, template, options)
        },
      },
    })
    propagation.start()
    t.teardown(() => propagation.close())
    for (const displayname of ['Alice I', 'Alice II']) {
      await accounts.profiles.setField({ userId: ALICE, isGuest: false }, 'displayname', { displayname })
      await propagation.settled()
    }
    t.deepEqual(told, [roomIds[1], roomIds[1]])
  },
)

test('a room that too many write to at that moment is told of a new name later', async t => {
  const { core, rooms, clock } = await testRooms(await testDatabase(t), { serverName: SERVER_NAME })
  await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const { accounts } = testAccounts(core.context.db, {}, clock)
  await accounts.createUser({ username: 'alice', password: 'correct horse', isAdmin: false })
  const failures = [new RoomContended()]
  const told: unknown[] = []
  const propagation = new ProfilePropagation({
    ...{ context: core.context, clock, log: silentLog },
    profile: userId => accounts.profiles.memberProfile(userId),
    sender: {
      send: async (roomId, template, options) => {
        const failure = failures.pop()
        if (failure !== undefined) throw failure
        told.push(template.content['displayname'])
        return core.sender.send(roomId, template, options)
      },
    },
  })
  await accounts.profiles.setField({ userId: ALICE, isGuest: false }, 'displayname', { displayname: 'Al' })
  propagation.start()
  t.teardown(() => propagation.close())
  await eventually('it waits', () => clock.sleeping > 0)
  await clock.advance(5_000)
  await propagation.settled()
  t.deepEqual(told, ['Al'])
})

testDatabases(
  test,
  'who departs leaves what can be left, and the rest when it is tried again',
  async (t, db) => {
    const { core, rooms } = await testRooms(db)
    const user = '@gone:here.test'
    const roomIds: string[] = []
    for (let index = 0; index < 4; index++)
      roomIds.push(await rooms.roomCreation.create(newRoom(rooms, user), { isDirect: false }))
    const [stuck, refused] = roomIds
    let isStuck = true
    const departure = new Departure({
      context: core.context,
      log: silentLog,
      memberships: {
        leave: async change => {
          if (change.roomId === stuck && isStuck) throw new MatrixError('M_CONNECTION_FAILED', 'not now')
          if (change.roomId === refused) throw new MatrixError('M_FORBIDDEN', 'never')
          await rooms.memberships.leave(change)
        },
      },
    })
    await t.throwsAsync(departure.leaveAll(user), { message: 'not now' })
    const joined = async (): Promise<string[]> => (await rooms.roomReading.joinedRooms(user)).toSorted()
    t.deepEqual(await joined(), [stuck, refused].toSorted())
    isStuck = false
    await departure.leaveAll(user)
    t.deepEqual(await joined(), [refused])
  },
)
