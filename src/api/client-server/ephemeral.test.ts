import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { aliceAndBob, type Person, personOf, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { type SyncView, syncAs, syncUntil } from '../../test-kit/syncing.ts'

const path = encodeURIComponent

const typists = (view: SyncView, roomId: string): unknown =>
  view.ephemeral(roomId).findLast(event => event.type === 'm.typing')?.content['user_ids']

/** What `/sync` tells of receipts, as `user type event thread`. */
const receipts = (view: SyncView, roomId: string): string[] =>
  view
    .ephemeral(roomId)
    .filter(event => event.type === 'm.receipt')
    .flatMap(({ content }) =>
      Object.entries(
        content as Record<string, Record<string, Record<string, { thread_id?: string }>>>,
      ).flatMap(([eventId, types]) =>
        Object.entries(types).flatMap(([type, users]) =>
          Object.entries(users).map(([user, { thread_id: thread = '-' }]) =>
            [user.split(':')[0], type, eventId, thread].join(' '),
          ),
        ),
      ),
    )
    .toSorted()

const mark = (
  who: Person,
  roomId: string,
  type: string,
  eventId: string,
  body: object = {},
): Promise<string> => who.code('POST', `/rooms/${path(roomId)}/receipt/${type}/${path(eventId)}`, body)

testDatabases(
  test,
  'typing is told to the room, ends by itself, and ends with leaving',
  async (t, _, database) => {
    const clock = new FakeClock()
    const server = await startTestServer({ database, clock })
    t.teardown(server.close)
    const [alice, bob, eve] = await Promise.all(
      ['alice', 'bob', 'eve'].map(name => registerPerson(server, name)),
    )
    if (alice === undefined || bob === undefined || eve === undefined) return t.fail()
    const room = await alice.createOpenRoom()
    await bob.join(room)
    const type = (who: Person, body: object, user = who.userId, roomId = room): Promise<string> =>
      who.code('PUT', `/rooms/${path(roomId)}/typing/${path(user)}`, body)
    const { token } = await syncAs(bob)
    const waiting = syncUntil(bob, token, view => typists(view, room) !== undefined)
    t.is(await type(alice, { typing: true, timeout: 20_000 }), '200 -')
    const told = await waiting
    t.deepEqual(typists(told, room), [alice.userId])
    t.deepEqual(typists(await syncAs(bob), room), [alice.userId], 'an initial sync tells it, too')
    t.is(
      typists(await syncAs(bob, { filter: { room: { ephemeral: { not_types: ['m.*'] } } } }), room),
      undefined,
    )

    t.is(await type(bob, { typing: true }), '200 -')
    await clock.advance(19_000)
    t.is(await type(alice, { typing: true, timeout: 20_000 }), '200 -', 'renewed')
    await clock.advance(15_000)
    const later = await syncUntil(bob, told.token, view => typists(view, room) !== undefined)
    t.deepEqual(typists(later, room), [alice.userId], 'whoever gives no time types for half a minute')
    t.is(await type(alice, { typing: false }), '200 -')
    const ended = await syncUntil(bob, later.token, view => typists(view, room) !== undefined)
    t.deepEqual(typists(ended, room), [])
    t.is(typists(await syncAs(bob), room), undefined)

    t.is(await type(alice, { typing: true }), '200 -')
    await syncUntil(bob, ended.token, view => typists(view, room) !== undefined)
    await alice.leave(room)
    await syncUntil(bob, ended.token, view => JSON.stringify(typists(view, room)) === '[]')

    t.is(await type(bob, { typing: true }, alice.userId), '403 M_FORBIDDEN')
    t.is(await type(eve, { typing: true }), '403 M_FORBIDDEN')
    t.is(await type(eve, { typing: true }, eve.userId, '!none:localhost'), '403 M_FORBIDDEN')
    t.is(await type(bob, { typing: 'yes' }), '400 M_BAD_JSON')
    t.is(await type(bob, {}), '400 M_MISSING_PARAM')
  },
)

testDatabases(test, 'receipts: public, private, threaded, only forward', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const [alice, bob] = await Promise.all([registerPerson(server, 'alice'), registerPerson(server, 'bob')])
  const room = await alice.createOpenRoom()
  await bob.join(room)
  const first = await alice.say(room, 'one')
  const second = await alice.say(room, 'two')
  const inThread = await alice.say(room, 'three', {
    'm.relates_to': { rel_type: 'm.thread', event_id: first },
  })
  const reaction = await alice.send(room, 'm.reaction', {
    'm.relates_to': { rel_type: 'm.annotation', event_id: inThread, key: 'x' },
  })
  const [aliceSince, bobSince] = [(await syncAs(alice)).token, (await syncAs(bob)).token]

  t.is(await mark(bob, room, 'm.read', second, { thread_id: null }), '200 -', 'left out')
  t.is(await mark(bob, room, 'm.read', reaction, { thread_id: first }), '200 -')
  t.is(await mark(bob, room, 'm.read', second, { thread_id: 'main' }), '200 -')
  t.is(await mark(bob, room, 'm.read.private', inThread), '200 -')
  t.is(await mark(bob, room, 'm.read', first), '200 -', 'a step back is no error, and changes nothing')
  const seenByAlice = [
    `@bob m.read ${reaction} ${first}`,
    `@bob m.read ${second} -`,
    `@bob m.read ${second} main`,
  ].toSorted()
  const seenByBob = [...seenByAlice, `@bob m.read.private ${inThread} -`].toSorted()
  t.deepEqual(receipts(await syncAs(alice), room), seenByAlice)
  t.deepEqual(receipts(await syncAs(bob), room), seenByBob)
  const gathered = async (who: Person, since: string, wanted: readonly string[]): Promise<void> => {
    const seen = new Set<string>()
    await syncUntil(who, since, view => {
      for (const receipt of receipts(view, room)) seen.add(receipt)
      return seen.size >= wanted.length
    })
    t.deepEqual([...seen].toSorted(), wanted)
  }
  await gathered(alice, aliceSince, seenByAlice)
  await gathered(bob, bobSince, seenByBob)

  const carol = await registerPerson(server, 'carol')
  const { token } = await syncAs(carol)
  await carol.join(room)
  const arrived = await syncUntil(carol, token, view => view.timeline(room).length > 0)
  t.deepEqual(receipts(arrived, room), seenByAlice, 'whoever comes in is told how far the others have read')

  t.is(await mark(bob, room, 'm.read', second, { thread_id: first }), '400 M_INVALID_PARAM')
  t.is(await mark(bob, room, 'm.read', inThread, { thread_id: 'main' }), '400 M_INVALID_PARAM')
  t.is(await mark(bob, room, 'm.read', second, { thread_id: '' }), '400 M_INVALID_PARAM')
  t.is(await mark(bob, room, 'm.read', second, { thread_id: 7 }), '400 M_INVALID_PARAM')
  t.is(await mark(bob, room, 'm.fully_read', second, { thread_id: 'main' }), '400 M_INVALID_PARAM')
  t.is(await mark(bob, room, 'm.seen', second), '400 M_INVALID_PARAM')
  t.is(await mark(bob, room, 'm.read', '$none'), '404 M_NOT_FOUND')
  t.is(await mark(await registerPerson(server, 'eve'), room, 'm.read', second), '403 M_FORBIDDEN')
})

testDatabases(
  test,
  'read markers move together, and the fully-read one is account data',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const alice = await registerPerson(server, 'alice')
    const room = await alice.createOpenRoom()
    const [first, second] = [await alice.say(room, 'one'), await alice.say(room, 'two')]
    const { token } = await syncAs(alice)
    const markers = (body: object): Promise<string> =>
      alice.code('POST', `/rooms/${path(room)}/read_markers`, body)
    t.is(await markers({ 'm.fully_read': first, 'm.read': second, 'm.read.private': second }), '200 -')
    const told = await syncUntil(alice, token, view => view.roomData(room).length > 0)
    t.deepEqual(told.roomData(room), [{ type: 'm.fully_read', content: { event_id: first } }])
    const account = `/user/${path(alice.userId)}/rooms/${path(room)}/account_data/m.fully_read`
    t.is(await alice.code('PUT', account, { event_id: second }), '405 M_BAD_JSON')
    t.is(await markers({ 'm.fully_read': '$none', 'm.read': second }), '404 M_NOT_FOUND')
    t.is(await mark(alice, room, 'm.fully_read', second, { thread_id: null }), '200 -')
    t.deepEqual(await alice.get(account), { event_id: second })
    t.is(await markers({ 'm.fully_read': first }), '200 -', 'an older device does not pull it back')
    t.deepEqual(await alice.get(account), { event_id: second })
    t.is(await markers({}), '200 -')
    t.deepEqual(receipts(await syncAs(alice), room), [
      `@alice m.read ${second} -`,
      `@alice m.read.private ${second} -`,
    ])
  },
)

testDatabases(test, 'nothing of what passes is told of ignored users', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const room = await alice.createOpenRoom()
  await bob.join(room)
  const message = await alice.say(room, 'one')
  await alice.put(`/user/${path(alice.userId)}/account_data/m.ignored_user_list`, {
    ignored_users: { [bob.userId]: {} },
  })
  await mark(bob, room, 'm.read', message)
  await bob.put(`/rooms/${path(room)}/typing/${path(bob.userId)}`, { typing: true })
  await bob.put(`/presence/${path(bob.userId)}/status`, { presence: 'online' })
  const view = await syncAs(alice)
  t.deepEqual(view.ephemeral(room), [])
  t.false(view.presence.some(event => event.sender === bob.userId))
  t.is((await syncAs(bob)).ephemeral(room).length, 2)
})

testDatabases(test, 'a place in a room is remembered over a restart', async (t, _, database) => {
  const before = await startTestServer({ database })
  const alice = await registerPerson(before, 'alice')
  const room = await alice.createOpenRoom()
  const message = await alice.say(room, 'one')
  const { token } = await syncAs(alice)
  await mark(alice, room, 'm.read', message)
  await before.close()
  const after = await startTestServer({ database })
  t.teardown(after.close)
  const { status, body } = await after.request('GET', `/_matrix/client/v3/sync?since=${token}`, {
    token: alice.accessToken,
  })
  t.is(status, 200)
  t.regex(JSON.stringify(body), new RegExp(`"m.receipt","content":{"\\${message}"`))
})

testDatabases(
  test,
  'who types and who is there is told also where the clock was set back before the last start',
  async (t, _, database) => {
    const now = Date.UTC(2026, 1, 1)
    const before = await startTestServer({ database, clock: new FakeClock(now) })
    const accounts = await aliceAndBob(before)
    const room = await accounts.alice.createOpenRoom()
    await accounts.bob.join(room)
    const typing = `/rooms/${path(room)}/typing/${path(accounts.alice.userId)}`
    await accounts.alice.put(typing, { typing: true })
    const shown = await syncAs(accounts.bob)
    t.deepEqual(typists(shown, room), [accounts.alice.userId])
    await before.close()

    const after = await startTestServer({ database, clock: new FakeClock(now - 3_600_000) })
    t.teardown(after.close)
    const [alice, bob] = [personOf(after, accounts.alice), personOf(after, accounts.bob)]
    const over = await syncUntil(bob, shown.token, view => typists(view, room) !== undefined)
    t.deepEqual(typists(over, room), [], 'whoever was shown to type does so no longer')
    await alice.put(typing, { typing: true })
    await syncUntil(bob, over.token, view => typists(view, room) !== undefined)
    await alice.put(`/presence/${path(alice.userId)}/status`, { presence: 'online', status_msg: 'back' })
    await syncUntil(bob, shown.token, ({ presence }) =>
      presence.some(({ content }) => content['status_msg'] === 'back'),
    )
  },
)
