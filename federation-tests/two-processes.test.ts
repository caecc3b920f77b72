import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { JsonObject } from '../src/core/json.ts'
import { testPostgres } from '../src/test-kit/database.ts'
import { eventually } from '../src/test-kit/eventually.ts'
import { FakeClock } from '../src/test-kit/fake-clock.ts'
import { startTestServer } from '../src/test-kit/server.ts'

/** What a client sees that is answered by now one and now the other of two processes on one database. */

const at = (text: string): string => encodeURIComponent(text)

// biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
type Body = any

testPostgres(test, 'what is done at one process is seen at the other', async (t, database, config) => {
  await database.close()
  const directory = mkdtempSync(join(tmpdir(), 'tessera-two-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  // It stands still: however long one takes to hear of the other on a busy machine, nobody's patience ends.
  const clock = new FakeClock()
  const start = async () => {
    const server = await startTestServer({
      database: config,
      ...{ directory, clock },
      settings: { presence: { enabled: true } },
    })
    t.teardown(server.close)
    return server
  }
  const [first, second] = [await start(), await start()]
  const [alice, bob] = [await first.register('alice'), await second.register('bob')]
  type Account = typeof alice
  const call = async (
    server: typeof first,
    { accessToken: token }: Account,
    method: 'GET' | 'PUT' | 'POST',
    path: string,
    body?: JsonObject,
  ): Promise<Body> =>
    (await server.request(method, path, { token, ...(body === undefined ? {} : { json: body }) })).body
  const v3 = '/_matrix/client/v3'

  // Who has joined by one is in the room by the other at once, which had the room in memory before.
  const { room_id: room } = await call(first, alice, 'POST', `${v3}/createRoom`, { preset: 'public_chat' })
  const typing = `${v3}/rooms/${at(room)}/typing`
  t.is(
    (await call(second, bob, 'PUT', `${typing}/${at(bob.userId)}`, { typing: true })).errcode,
    'M_FORBIDDEN',
  )
  await call(first, bob, 'POST', `${v3}/join/${at(room)}`, {})
  t.deepEqual(await call(second, bob, 'PUT', `${typing}/${at(bob.userId)}`, { typing: true }), {})

  // Whoever waits at one hears of what passes at the other, and takes the token from one to the other.
  const sync = (server: typeof first, who: Account, since: string): Promise<Body> =>
    call(server, who, 'GET', `${v3}/sync?timeout=20000&since=${since}`)
  const typists = (view: Body): unknown =>
    view.rooms?.join?.[room]?.ephemeral?.events.find((one: Body) => one.type === 'm.typing')?.content.user_ids
  let { next_batch: since } = await call(first, alice, 'GET', `${v3}/sync`)
  const follow = async (server: typeof first, holds: (view: Body) => boolean): Promise<void> => {
    for (;;) {
      const view = await sync(server, alice, since)
      since = view.next_batch
      if (holds(view)) return
    }
  }
  const ended = follow(first, view => Array.isArray(typists(view)) && (typists(view) as []).length === 0)
  await call(second, bob, 'PUT', `${typing}/${at(bob.userId)}`, { typing: false })
  await ended
  const begun = follow(second, view => (typists(view) as string[] | undefined)?.includes(bob.userId) === true)
  await call(first, bob, 'PUT', `${typing}/${at(bob.userId)}`, { typing: true })
  await begun
  const gone = follow(first, view =>
    view.presence?.events.some(
      (one: Body) => one.sender === bob.userId && one.content.status_msg === 'fishing',
    ),
  )
  await call(second, bob, 'PUT', `${v3}/presence/${at(bob.userId)}/status`, {
    presence: 'online',
    status_msg: 'fishing',
  })
  await gone

  // What is unread is counted by one of them, and told by both.
  const send = `${v3}/rooms/${at(room)}/send/m.room.message`
  const counted = follow(
    second,
    view => view.rooms?.join?.[room]?.unread_notifications?.notification_count === 1,
  )
  await call(first, bob, 'PUT', `${send}/1`, { msgtype: 'm.text', body: 'hello' })
  await counted
  const counts = follow(
    first,
    view => view.rooms?.join?.[room]?.unread_notifications?.notification_count === 2,
  )
  await call(second, bob, 'PUT', `${send}/2`, { msgtype: 'm.text', body: 'hello again' })
  await counts

  // A connection of sliding sync goes with its client.
  const slide = (server: typeof first, pos = ''): Promise<Body> =>
    call(
      server,
      alice,
      'POST',
      `/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0${pos && `&pos=${at(pos)}`}`,
      {
        lists: { all: { ranges: [[0, 9]], timeline_limit: 5, required_state: [['m.room.member', '$LAZY']] } },
      },
    )
  const { room_id: quiet } = await call(first, alice, 'POST', `${v3}/createRoom`, {})
  const opened = await slide(first)
  t.is(opened.rooms[room].initial, true)
  t.is(opened.rooms[quiet].initial, true)
  await call(first, bob, 'PUT', `${send}/3`, { msgtype: 'm.text', body: 'third' })
  let moved = await slide(second, opened.pos)
  if (moved.rooms[room] === undefined) moved = await slide(second, moved.pos)
  t.is(moved.rooms[room].initial, undefined)
  t.is(moved.rooms[quiet], undefined, 'of where nothing has happened nothing is told again')
  t.deepEqual(
    moved.rooms[room].timeline.map((one: Body) => one.content.body),
    ['third'],
  )
  t.is((await slide(first, moved.pos)).errcode, undefined)
  let unknown: Body
  void slide(second, `${moved.pos}7`).then(answer => {
    unknown = answer
  })
  await eventually('nobody says that they have it', async () => {
    await clock.advance(100)
    return unknown !== undefined
  })
  t.is(unknown.errcode, 'M_UNKNOWN_POS')

  // A token that is logged out at one is soon unknown to the other, which had it in memory.
  t.is((await call(second, bob, 'GET', `${v3}/account/whoami`)).user_id, bob.userId)
  await call(first, bob, 'POST', `${v3}/logout`, {})
  await eventually('it is unknown there, too', async () => {
    const { errcode } = await call(second, bob, 'GET', `${v3}/account/whoami`)
    return errcode === 'M_UNKNOWN_TOKEN'
  })
})
