import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import { silentLog } from '../../core/log.ts'
import { SERVER_NAME, testAccounts } from '../../test-kit/accounts.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ScriptedProvider } from '../../test-kit/openid-provider.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'
import { AutoJoin } from './auto-join.ts'

testDatabases(test, 'new users find themselves in the rooms that the operator names, once', async (t, db) => {
  const { core, rooms, clock } = await testRooms(db, { serverName: SERVER_NAME })
  const provider = await ScriptedProvider.open(t)
  const options = { registration: { guests: true }, providers: () => [provider.at(t, clock)] }
  const { accounts } = testAccounts(db, options, clock)
  const arrive = async (name: string) => {
    provider.person = { sub: name, preferred_username: name }
    const url = await accounts.providers.begin('company', 'a browser', { returnTo: '/' }, false)
    await accounts.providers.finish('a browser', await provider.visit(url))
  }
  const [host, alice, bob] = ['host', 'alice', 'bob'].map(name => `@${name}:${SERVER_NAME}`)
  if (host === undefined || alice === undefined || bob === undefined) return t.fail()
  const register = (username: string) => accounts.createUser({ username, password: 'correct horse' })
  const make = (fields: object) =>
    rooms.roomCreation.create(newRoom(rooms, host, fields), { isDirect: false })
  const [welcome, closed] = [await make({ preset: 'public_chat' }), await make({})]
  await rooms.directory.add({ userId: host, isInControl: false }, `#welcome:${SERVER_NAME}`, welcome)
  const follow = (): AutoJoin => {
    const autoJoin = new AutoJoin({
      ...{ context: core.context, directory: rooms.directory, memberships: rooms.memberships },
      rooms: [`#gone:${SERVER_NAME}`, closed, `#welcome:${SERVER_NAME}`],
      ...{ clock, log: silentLog },
    })
    autoJoin.start()
    return autoJoin
  }
  const membersOf = async (roomId: string) => (await core.writer.head(roomId))?.memberships
  await register('old')
  await clock.leap(3_600_001)
  await register('alice')
  await accounts.registration.registerGuest({})
  await accounts.ensureUser(`@_ghost:${SERVER_NAME}`)
  const first = follow()
  await first.settled()
  t.deepEqual([...((await membersOf(welcome)) ?? [])].sort(), [
    [alice, 'join'],
    [host, 'join'],
  ])
  t.deepEqual([...((await membersOf(closed)) ?? [])], [[host, 'join']])
  await rooms.memberships.leave({ userId: alice, roomId: welcome })
  await first.close()

  await register('bob')
  await arrive('carol')
  await accounts.profiles.setField({ userId: alice, isGuest: false }, 'displayname', { displayname: 'Al' })
  const again = follow()
  await again.settled()
  await again.close()
  t.is((await membersOf(welcome))?.get(bob), 'join', 'who came while nobody looked')
  t.is(
    (await membersOf(welcome))?.get(`@carol:${SERVER_NAME}`),
    'join',
    'who has no password, but an account elsewhere',
  )
  t.is((await membersOf(welcome))?.get(alice), 'leave', 'who has left is not brought back')
})

test('a room of a server that is gone keeps no new user from the others', async t => {
  const db = await testDatabase(t)
  const gone = Promise.withResolvers<never>()
  const { core, rooms, clock } = await testRooms(db, {
    serverName: SERVER_NAME,
    queryRemoteAlias: () => gone.promise,
  })
  const room = newRoom(rooms, `@host:${SERVER_NAME}`, { preset: 'public_chat' })
  const welcome = await rooms.roomCreation.create(room, { isDirect: false })
  const { accounts } = testAccounts(db, {}, clock)
  await accounts.createUser({ username: 'alice', password: 'correct horse' })
  const autoJoin = new AutoJoin({
    ...{ context: core.context, directory: rooms.directory, memberships: rooms.memberships },
    ...{ rooms: ['#lobby:gone.test', welcome], clock, log: silentLog },
  })
  autoJoin.start()
  const isIn = async (name: string) =>
    (await core.writer.head(welcome))?.memberships.get(`@${name}:${SERVER_NAME}`) === 'join'
  await eventually('she is in', () => isIn('alice'))
  await accounts.createUser({ username: 'bob', password: 'correct horse' })
  await eventually('who comes after her does not wait for it either', async () => {
    await clock.advance(1_000)
    return isIn('bob')
  })
  gone.reject(new MatrixError('M_NOT_FOUND', 'gone'))
  await autoJoin.close()
  t.true(await isIn('alice'))
})
