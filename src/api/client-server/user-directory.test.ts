import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

type Json = Record<string, unknown>

testDatabases(test, 'people are found by those who may know of them', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const [alice, bob, carol, dave] = await Promise.all(
    ['alice', 'bob', 'carol', 'dave'].map(name => registerPerson(server, name)),
  )
  if (!alice || !bob || !carol || !dave) return t.fail('nobody is there')
  const find = async (person: Person, term: string, limit?: number) => {
    const answer = await person.post('/user_directory/search', {
      search_term: term,
      ...(limit ? { limit } : {}),
    })
    return answer as { results: Json[]; limited: boolean }
  }
  const ids = async (person: Person, term: string) =>
    (await find(person, term)).results.map(user => user['user_id'])
  await bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'Robert Töpfer 東京' })
  await bob.put(`/profile/${bob.userId}/avatar_url`, { avatar_url: 'mxc://localhost/bob' })
  t.deepEqual(await ids(alice, 'robert'), [], 'they share no room')
  t.deepEqual(await ids(alice, 'alice'), [], 'and whoever is in none finds nobody')
  const secret = await bob.createRoom({ invite: [alice.userId] })
  t.deepEqual(await ids(alice, 'robert'), [], 'an invitation is not a room in common')
  await alice.join(secret)
  t.deepEqual((await find(alice, 'ROB')).results, [
    { user_id: bob.userId, display_name: 'Robert Töpfer 東京', avatar_url: 'mxc://localhost/bob' },
  ])
  for (const term of ['töpf', 'bob', '@bob:localhost', '京', 'robert töpfer']) {
    t.deepEqual(await ids(alice, term), [bob.userId], term)
  }
  t.deepEqual(await ids(alice, 'alice'), [alice.userId], 'whoever is in a room is found, also by themselves')
  for (const term of ['obert', 'töpfer robert x', '%', '']) t.deepEqual(await ids(alice, term), [], term)
  t.deepEqual(await ids(carol, 'robert'), [])

  // In public rooms everybody is known to everybody, by the name that they have everywhere.
  const open = await carol.createOpenRoom()
  await dave.join(open)
  await dave.put(`/profile/${dave.userId}/displayname`, { displayname: 'Public Dave' })
  const hidden = await dave.createRoom()
  await dave.setState(hidden, 'm.room.member', { membership: 'join', displayname: 'Agent Zero' }, dave.userId)
  t.deepEqual(await ids(alice, 'agent'), [], 'what somebody is called in a room of others stays there')
  const shown = [{ user_id: dave.userId, display_name: 'Public Dave' }]
  t.deepEqual((await find(alice, 'public')).results, shown, 'which another name in one room does not hide')
  t.deepEqual((await find(dave, 'public')).results, shown)
  await alice.join(open)
  await bob.join(open)
  t.like(await find(alice, 'localhost', 1), { limited: true })
  t.like(await find(alice, 'localhost', 4), { limited: false })
  await dave.leave(open)
  t.deepEqual(await ids(alice, 'dave'), [])
})
