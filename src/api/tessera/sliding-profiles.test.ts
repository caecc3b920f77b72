/** Profiles in sliding sync (MSC4262). */
import test from 'ava'
import { testDatabases, testPostgres } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { newPerson, Person, serverTests } from '../../test-kit/people.ts'
import { type RunningTestServer, startTestServer } from '../../test-kit/server.ts'
import { roomOf } from '../../test-kit/shown.ts'
import { list, type SlidAnswer, slide } from '../../test-kit/sliding-client.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'

const onServer = serverTests(test)
const path = encodeURIComponent
const NAME = 'org.matrix.msc4262.profiles'
const LAZY = [['m.room.member', '$LAZY']]

const asking = (more: object = {}, room: object = {}, last = 9) => ({
  ...list(last, { required_state: LAZY, ...room }),
  extensions: { [NAME]: { enabled: true, ...more } },
})

const users = (answer: SlidAnswer): unknown => answer.extensions[NAME]?.['users']

const set = (who: Person, key: string, value: unknown) =>
  who.api('PUT', `/profile/${path(who.userId)}/${key}`, { [key]: value })

const remove = (who: Person, key: string) => who.api('DELETE', `/profile/${path(who.userId)}/${key}`)

const people = async (server: RunningTestServer, count: number): Promise<Person[]> => {
  const all: Person[] = []
  while (all.length < count) {
    const person = await newPerson(server)
    await set(person, 'displayname', `name of ${all.length}`)
    all.push(person)
  }
  return all
}

const at = (server: RunningTestServer, who: Person): Person => new Person(server, who.account)

onServer('a beginning tells of those who are shown, and later of what changes', async (t, server) => {
  const [ann, bob, cleo] = (await people(server, 3)) as [Person, Person, Person]
  const roomId = await roomOf(ann, [bob])
  await set(bob, 'org.example.status', { text: 'here' })
  await set(cleo, 'org.example.status', 'elsewhere')
  await bob.send(roomId, 'hello')
  const first = await slide(ann, asking())
  t.deepEqual(users(first), {
    [ann.userId]: { updated: { displayname: 'name of 0' } },
    [bob.userId]: { updated: { displayname: 'name of 1', 'org.example.status': { text: 'here' } } },
  })
  t.is(users(await slide(ann, asking(), first.pos)), undefined)

  const waiting = slide(ann, asking(), first.pos, 60_000)
  await set(bob, 'org.example.status', null)
  const second = await waiting
  t.deepEqual(users(second), { [bob.userId]: { updated: { 'org.example.status': null } } })
  t.deepEqual(second.rooms, {}, 'no room tells of it')
  await set(cleo, 'org.example.status', 'still elsewhere')
  await set(ann, 'org.example.other', 'mine')
  await remove(bob, 'org.example.status')
  const third = await slide(ann, asking(), second.pos)
  t.deepEqual(users(third), {
    [ann.userId]: { updated: { 'org.example.other': 'mine' } },
    [bob.userId]: { removed: ['org.example.status'] },
  })
  t.deepEqual(users(await slide(ann, asking(), second.pos)), users(third), 'again, until it is received')
  await bob.send(roomId, 'again')
  const fourth = await slide(ann, asking(), third.pos)
  t.deepEqual(Object.keys(fourth.rooms), [roomId])
  t.is(users(fourth), undefined, 'who has been shown before is not told again')
  t.deepEqual((await slide(ann, list(9))).extensions, {}, 'only to those who ask')
})

onServer('only those fields that are asked for; more of them later', async (t, server) => {
  const [ann, bob] = (await people(server, 2)) as [Person, Person]
  const roomId = await roomOf(ann, [bob])
  await bob.send(roomId, 'hello')
  await set(bob, 'org.example.a', 1)
  const first = await slide(ann, asking({ fields: ['org.example.a', 'org.example.c'] }))
  t.deepEqual(users(first), { [bob.userId]: { updated: { 'org.example.a': 1 } } })
  await set(bob, 'org.example.b', 2)
  const second = await slide(ann, asking({ fields: ['org.example.c', 'org.example.a'] }), first.pos)
  t.is(users(second), undefined)
  const more = asking({ fields: ['org.example.a', 'org.example.b'] })
  const third = await slide(ann, more, second.pos)
  t.deepEqual(users(third), { [bob.userId]: { updated: { 'org.example.a': 1, 'org.example.b': 2 } } })
  t.is(users(await slide(ann, more, third.pos)), undefined)
  const refused = slide(ann, asking({ fields: 'displayname' }))
  await t.throwsAsync(refused, { code: '400 M_INVALID_PARAM' })
})

onServer('who shares no room any more is told as such, and nothing of them after that', async (t, server) => {
  const [ann, bob, cleo, dan] = (await people(server, 4)) as [Person, Person, Person, Person]
  const [one, two] = [await roomOf(ann, [bob, cleo]), await roomOf(ann, [bob, dan])]
  const whole = asking({}, { required_state: [['m.room.member', '*']] })
  const first = await slide(ann, whole)
  t.deepEqual(
    Object.keys(users(first) as object).toSorted(),
    [ann, bob, cleo, dan].map(p => p.userId).toSorted(),
  )
  await bob.change('leave', one)
  await cleo.change('leave', one)
  await set(cleo, 'org.example.a', 'private')
  await set(bob, 'org.example.a', 'shared')
  const second = await slide(ann, whole, first.pos)
  t.deepEqual(users(second), {
    // Whole, since a room shows them: as somebody who has left it.
    [bob.userId]: { updated: { displayname: 'name of 1', 'org.example.a': 'shared' } },
    [cleo.userId]: null,
  })
  await set(cleo, 'org.example.a', 'more private')
  t.is(users(await slide(ann, whole, second.pos)), undefined)
  // While the client asks for nothing of this, too.
  await ann.change('leave', two)
  const third = await slide(ann, { lists: whole.lists }, second.pos)
  await set(dan, 'org.example.a', 'private')
  const fourth = await slide(ann, whole, third.pos)
  t.deepEqual(users(fourth), { [bob.userId]: null, [dan.userId]: null })
  await cleo.change('join', one)
  const fifth = await slide(ann, whole, fourth.pos)
  t.deepEqual(users(fifth), {
    [cleo.userId]: { updated: { displayname: 'name of 2', 'org.example.a': 'more private' } },
  })
})

onServer('rooms out of sight tell of nobody until they are seen; changes are told', async (t, server) => {
  const [ann, bob, cleo] = (await people(server, 3)) as [Person, Person, Person]
  const old = await roomOf(ann, [bob])
  await bob.send(old, 'hello')
  const recent = await roomOf(ann, [cleo])
  await cleo.send(recent, 'hello')
  const first = await slide(ann, asking({}, {}, 0))
  t.deepEqual(Object.keys(first.rooms), [recent])
  t.deepEqual(Object.keys(users(first) as object).toSorted(), [ann.userId, cleo.userId].toSorted())
  await set(bob, 'org.example.a', 1)
  const second = await slide(ann, asking({}, {}, 0), first.pos)
  t.deepEqual(users(second), { [bob.userId]: { updated: { 'org.example.a': 1 } } })
  // The room is in the window, and the extension does not bear on it.
  const third = await slide(ann, asking({ lists: [] }), second.pos)
  t.deepEqual(Object.keys(third.rooms), [old])
  t.is(users(third), undefined)
  const fourth = await slide(ann, asking(), third.pos)
  t.deepEqual(users(fourth), { [bob.userId]: { updated: { displayname: 'name of 1', 'org.example.a': 1 } } })
  t.is(users(await slide(ann, asking(), fourth.pos)), undefined)
})

onServer('who begins to ask later is told of the rooms that they have', async (t, server) => {
  const [ann, bob, cleo] = (await people(server, 3)) as [Person, Person, Person]
  const roomId = await roomOf(ann, [bob, cleo])
  await bob.send(roomId, 'hello')
  const first = await slide(ann, list(9, { required_state: LAZY }))
  const second = await slide(ann, asking(), first.pos)
  t.deepEqual(
    Object.keys(users(second) as object).toSorted(),
    [ann, bob, cleo].map(({ userId }) => userId).toSorted(),
    'the heroes of a room without a name among them',
  )
  const third = await slide(ann, list(9, { required_state: LAZY }), second.pos)
  const dan = await newPerson(server)
  await dan.change('join', roomId)
  const fourth = await slide(ann, list(9, { required_state: LAZY }), third.pos)
  t.deepEqual(Object.keys(fourth.rooms), [roomId])
  const told = users(await slide(ann, asking(), fourth.pos)) as object
  t.true(dan.userId in told, 'who came while nothing of this was asked for')
})

testDatabases(test, 'after a restart clients are told what has changed', async (t, _, database) => {
  const options = { database, directory: temporaryDirectory(t) }
  const before = await startTestServer(options)
  const [ann, bob] = (await people(before, 2)) as [Person, Person]
  const roomId = await roomOf(ann, [bob])
  await bob.send(roomId, 'hello')
  await set(bob, 'org.example.a', 1)
  const first = await slide(ann, asking())
  const second = await slide(ann, asking(), first.pos)
  await set(bob, 'org.example.b', 2)
  await remove(bob, 'org.example.a')
  await before.close()
  const after = await startTestServer(options)
  t.teardown(after.close)
  const told = await slide(at(after, ann), asking(), second.pos)
  t.deepEqual(users(told), { [bob.userId]: { updated: { 'org.example.b': 2 }, removed: ['org.example.a'] } })
  t.deepEqual(told.rooms, {})
})

testPostgres(test, 'what changes by way of another process is told', async (t, _, database) => {
  const directory = temporaryDirectory(t)
  // It stands still: however long one takes to hear of the other on a busy machine, nobody's patience ends.
  const clock = new FakeClock()
  const one = await startTestServer({ database, directory, clock })
  t.teardown(one.close)
  const two = await startTestServer({ database, directory, clock })
  t.teardown(two.close)
  const [ann, bob] = (await people(one, 2)) as [Person, Person]
  const roomId = await roomOf(ann, [bob])
  await bob.send(roomId, 'hello')
  const first = await slide(ann, asking())
  const waiting = slide(ann, asking(), first.pos, 60_000)
  await set(at(two, bob), 'org.example.a', 1)
  const second = await waiting
  t.deepEqual(users(second), { [bob.userId]: { updated: { 'org.example.a': 1 } } })
  const elsewhere = slide(at(two, ann), asking(), second.pos, 60_000)
  await set(bob, 'org.example.a', 2)
  t.deepEqual(users(await elsewhere), { [bob.userId]: { updated: { 'org.example.a': 2 } } })
})
