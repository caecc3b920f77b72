import test, { type ExecutionContext } from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { type RunningTestServer, startTestServer } from '../../test-kit/server.ts'
import { type SyncView, syncAs, syncUntil } from '../../test-kit/syncing.ts'

const MINUTE = 60_000
const path = encodeURIComponent

const statusOf = (who: Person): string => `/presence/${path(who.userId)}/status`

/** The last that a response tells of somebody. */
const told = (view: SyncView, of: Person): Record<string, unknown> | undefined =>
  view.presence.findLast(event => event.sender === of.userId)?.content

const people = async (server: RunningTestServer): Promise<[Person, Person, Person]> => [
  await registerPerson(server, 'alice'),
  await registerPerson(server, 'bob'),
  await registerPerson(server, 'eve'),
]

/** Alice and Bob in a room, and Eve who is in none. */
const setting = async (t: ExecutionContext, options: Parameters<typeof startTestServer>[0]) => {
  const server = await startTestServer(options)
  t.teardown(server.close)
  const [alice, bob, eve] = await people(server)
  const room = await alice.createOpenRoom()
  await bob.join(room)
  return { server, alice, bob, eve, room }
}

testDatabases(test, 'to sync is to be online, until one is gone', async (t, _, database) => {
  const clock = new FakeClock()
  const { alice, bob, eve } = await setting(t, { database, clock })
  const seen = (of: Person, presence: string, since: string): Promise<SyncView> =>
    syncUntil(bob, since, view => told(view, of)?.['presence'] === presence)
  let { token } = await syncAs(bob)
  t.deepEqual(await bob.get(statusOf(alice)), { presence: 'offline' })

  await syncAs(alice, { setPresence: 'online' })
  const online = await seen(alice, 'online', token)
  t.deepEqual(told(online, alice), { presence: 'online', last_active_ago: 0, currently_active: true })
  t.truthy(told(await syncAs(bob), alice), 'an initial sync tells of those who are there')
  t.is(told(await syncAs(eve), alice), undefined, 'who shares no room is not told')

  await clock.advance(30_000)
  ;({ token } = await seen(alice, 'offline', online.token))
  t.like(await bob.get(statusOf(alice)), { presence: 'offline', last_active_ago: 30_000 })
  t.is(told(await syncAs(bob), alice), undefined)

  await syncAs(alice, { setPresence: 'unavailable' })
  ;({ token } = await seen(alice, 'unavailable', token))
  const room = await alice.createRoom()
  t.is((await bob.get(statusOf(alice)))['presence'], 'unavailable')
  await alice.say(room, 'I am here')
  await seen(alice, 'online', token)
})

testDatabases(test, 'whoever comes online by a sync is told so by it, and once', async (t, _, database) => {
  const { alice, bob } = await setting(t, { database, clock: new FakeClock() })
  for (const who of [alice, bob]) {
    const first = await syncAs(who, { setPresence: 'online' })
    t.is(told(first, who)?.['presence'], 'online')
    const next = await syncAs(who, { since: first.token, setPresence: 'online' })
    t.is(told(next, who), undefined, 'so that the next one waits for news')
  }
})

testDatabases(
  test,
  'a chosen status is told and kept; it is nobody else’s business',
  async (t, _, database) => {
    const clock = new FakeClock()
    const { server, alice, bob, eve } = await setting(t, { database, clock })
    const { token } = await syncAs(bob)
    const set = (who: Person, body: object, of = who): Promise<string> => who.code('PUT', statusOf(of), body)
    t.is(await set(alice, { presence: 'unavailable', status_msg: 'Gone fishing' }), '200 -')
    const away = await syncUntil(bob, token, view => told(view, alice) !== undefined)
    t.deepEqual(told(away, alice), {
      presence: 'unavailable',
      last_active_ago: 0,
      status_msg: 'Gone fishing',
    })
    t.is(told(await syncAs(bob, { filter: { presence: { not_senders: [alice.userId] } } }), alice), undefined)
    t.is(told(await syncAs(bob, { filter: { presence: { types: [] } } }), alice), undefined)

    t.is(await eve.code('GET', statusOf(alice)), '403 M_FORBIDDEN')
    t.is(await set(bob, { presence: 'online' }, alice), '403 M_FORBIDDEN')
    t.is(await set(alice, { presence: 'busy' }), '400 M_BAD_JSON')
    t.is(await set(alice, {}), '400 M_MISSING_PARAM')
    t.is(await set(alice, { presence: 'online', status_msg: 'x'.repeat(1001) }), '400 M_INVALID_PARAM')

    await alice.put(`/profile/${path(alice.userId)}/displayname`, { displayname: 'Alice the Angler' })
    const renamed = await syncUntil(bob, away.token, view => told(view, alice) !== undefined)
    t.like(told(renamed, alice), { displayname: 'Alice the Angler', status_msg: 'Gone fishing' })

    // Whoever comes into a room is told who is there, and is seen by them.
    const { token: eveToken } = await syncAs(eve)
    await set(eve, { presence: 'online', status_msg: 'new' })
    const meeting = await bob.createOpenRoom()
    await set(bob, { presence: 'online' })
    const { token: bobToken } = await syncAs(bob)
    await eve.join(meeting)
    await syncUntil(eve, eveToken, view => told(view, bob)?.['presence'] === 'online')
    await syncUntil(bob, bobToken, view => told(view, eve)?.['status_msg'] === 'new')
    // The same if they have just left it: what was said in the meantime they were not told.
    await eve.post(`/rooms/${path(meeting)}/leave`, {})
    await set(bob, { presence: 'online', status_msg: 'alone' })
    const { token: awayToken } = await syncAs(eve, { since: eveToken })
    await eve.join(meeting)
    await syncUntil(eve, awayToken, view => told(view, bob)?.['status_msg'] === 'alone')

    await server.close()
    const again = await startTestServer({ database, clock })
    t.teardown(again.close)
    await clock.advance(0)
    const after = async (): Promise<unknown> =>
      (await again.request('GET', `/_matrix/client/v3${statusOf(alice)}`, { token: bob.accessToken })).body
    t.like(await after(), { presence: 'unavailable', status_msg: 'Gone fishing' }, 'over a restart')
    await clock.advance(MINUTE)
    t.like(
      await after(),
      { presence: 'offline', status_msg: 'Gone fishing' },
      'who does not come back is gone',
    )
  },
)

test('without presence nobody is there, and nobody is told otherwise', async t => {
  const { alice, bob } = await setting(t, { settings: { presence: { enabled: false } } })
  t.is(await alice.code('PUT', statusOf(alice), { presence: 'online', status_msg: 'x' }), '200 -')
  await syncAs(alice, { setPresence: 'online' })
  t.deepEqual(await bob.get(statusOf(alice)), { presence: 'offline' })
  t.deepEqual((await syncAs(bob)).presence, [])
})

testDatabases(test, 'who is met again after they have gone is shown as gone', async (t, _, database) => {
  const clock = new FakeClock()
  const { alice, bob, room } = await setting(t, { database, clock })
  const meet = {
    'who comes to them': bob,
    'whom they come to': alice,
  }
  for (const [how, mover] of Object.entries(meet)) {
    let { token } = await syncAs(bob)
    const { token: aliceToken } = await syncAs(alice, { setPresence: 'online' })
    ;({ token } = await syncUntil(bob, token, view => told(view, alice)?.['presence'] === 'online'))
    await mover.post(`/rooms/${path(room)}/leave`, {})
    await clock.advance(MINUTE)
    await syncUntil(alice, aliceToken, view => told(view, alice)?.['presence'] === 'offline')
    const apart = await syncAs(bob, { since: token })
    t.is(told(apart, alice), undefined)
    await mover.join(room)
    await syncUntil(bob, apart.token, view => told(view, alice)?.['presence'] === 'offline')
    t.pass(how)
  }
})
