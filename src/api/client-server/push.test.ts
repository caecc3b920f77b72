import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { aliceAndBob } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { type SyncView, syncAs, syncUntil } from '../../test-kit/syncing.ts'

type Json = Record<string, unknown>
type Rules = Record<string, { rule_id: string; enabled: boolean; actions: unknown[]; conditions?: Json[] }[]>

const path = encodeURIComponent
const THREADS = { room: { timeline: { unread_thread_notifications: true } } }

/** `notifications/highlights` of a room in a response, and of its threads by the root's ID. */
const counts = (view: SyncView, roomId: string): string => {
  const rooms = view.body['rooms'] as { join?: Record<string, Record<string, never>> } | undefined
  const room = rooms?.join?.[roomId]
  const show = (count: Json | undefined): string =>
    `${count?.['notification_count']}/${count?.['highlight_count']}`
  const threads = Object.entries((room?.['unread_thread_notifications'] ?? {}) as Record<string, Json>)
  return [
    show(room?.['unread_notifications']),
    ...threads.map(([root, count]) => `${root}: ${show(count)}`),
  ].join(' ')
}

const customRules = (view: SyncView): string[] => {
  const [rules] = view.accountData.filter(({ type }) => type === 'm.push_rules')
  const set = (rules?.content['global'] ?? {}) as Rules
  return Object.values(set).flatMap(list =>
    list.filter(rule => !rule.rule_id.startsWith('.')).map(rule => rule.rule_id),
  )
}

testDatabases(test, 'push rules are read, made, moved, changed and removed', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const { alice, bob } = await aliceAndBob(server)
  const all = (await alice.get('/pushrules/'))['global'] as Rules
  t.deepEqual(await alice.get('/pushrules/global/'), all)
  t.deepEqual(Object.keys(all).toSorted(), ['content', 'override', 'room', 'sender', 'underride'])
  t.deepEqual((await alice.get('/user/@alice:localhost/account_data/m.push_rules'))['global'], all)
  const start = await syncAs(alice)
  t.is(start.accountData.filter(({ type }) => type === 'm.push_rules').length, 1)

  const rule = '/pushrules/global/content'
  t.is(
    await alice.code('PUT', `${rule}/cake`, { actions: ['dont_notify', 'notify'], pattern: 'cake' }),
    '200 -',
  )
  t.is(await alice.code('PUT', `${rule}/pie?after=cake`, { actions: ['notify'], pattern: 'pie' }), '200 -')
  t.is(await alice.code('PUT', `${rule}/tea?before=cake`, { actions: [], pattern: 'tea' }), '200 -')
  t.deepEqual(await alice.get(`${rule}/cake`), {
    rule_id: 'cake',
    default: false,
    enabled: true,
    actions: ['notify'],
    pattern: 'cake',
  })
  const next = await syncUntil(alice, start.token, view => customRules(view).length === 3)
  t.deepEqual(customRules(next), ['tea', 'cake', 'pie'])
  t.deepEqual(customRules(await syncAs(bob)), [])
  t.is(await alice.code('PUT', `${rule}/cake/enabled`, { enabled: false }), '200 -')
  t.deepEqual(await alice.get(`${rule}/cake/enabled`), { enabled: false })
  t.is(await alice.code('PUT', `${rule}/cake/actions`, { actions: [] }), '200 -')
  t.deepEqual(await alice.get(`${rule}/cake/actions`), { actions: [] })
  t.is(await alice.code('DELETE', `${rule}/cake`), '200 -')
  t.is(await alice.code('DELETE', `${rule}/cake`), '404 M_NOT_FOUND')

  const master = '/pushrules/global/override/.m.rule.master'
  t.is(await alice.code('PUT', `${master}/enabled`, { enabled: true }), '200 -')
  t.is(await alice.code('PUT', `${master}/actions`, { actions: ['notify'] }), '200 -')
  t.is((await alice.get(master))['enabled'], true)
  t.is(await alice.code('DELETE', master), '200 -')
  t.deepEqual([(await alice.get(master))['enabled'], (await alice.get(master))['actions']], [false, []])

  const bad: [string, string, object?][] = [
    ['PUT', `${rule}/.m.rule.mine`, { actions: [], pattern: 'x' }],
    ['PUT', `${rule}/${path('a/b')}`, { actions: [], pattern: 'x' }],
    ['PUT', `${rule}/${path('a\\b')}`, { actions: [], pattern: 'x' }],
    ['PUT', `${rule}/x`, { actions: ['shout'], pattern: 'x' }],
    ['PUT', `${rule}/x`, { actions: [{}], pattern: 'x' }],
    ['PUT', `${rule}/x`, { actions: [], pattern: 'x'.repeat(600) }],
    ['PUT', '/pushrules/global/nonsense/x', { actions: [] }],
  ]
  for (const [method, target, body] of bad)
    t.is(await alice.code(method, target, body), '400 M_INVALID_PARAM', target)
  t.is(await alice.code('PUT', `${rule}/x`, { actions: [] }), '400 M_MISSING_PARAM')
  t.is(await alice.code('PUT', `${rule}/x`, { pattern: 'x' }), '400 M_MISSING_PARAM')
  t.is(await alice.code('PUT', `${rule}/x?before=none`, { actions: [], pattern: 'x' }), '400 M_UNKNOWN')
  t.is(
    await alice.code('PUT', '/pushrules/global/override/x?after=.m.rule.master', { actions: [] }),
    '400 M_UNKNOWN',
  )
  t.is(await alice.code('GET', `${rule}/x`), '404 M_NOT_FOUND')
  t.is(await alice.code('PUT', `${rule}/x/enabled`, { enabled: true }), '404 M_NOT_FOUND')
  t.is(await alice.code('PUT', `${rule}/x/actions`, { actions: [] }), '404 M_NOT_FOUND')
})

testDatabases(test, 'what a ban redacts counts as unread no more', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const { alice, bob } = await aliceAndBob(server)
  const room = await alice.createOpenRoom()
  await bob.join(room)
  await bob.say(room, 'before', { 'm.mentions': { user_ids: [alice.userId] } })
  await bob.post(`/rooms/${path(room)}/leave`, {})
  await bob.join(room)
  await bob.say(room, 'flooding', { 'm.mentions': { user_ids: [alice.userId] } })
  await bob.say(room, 'flooding more')
  t.is(counts(await syncAs(alice), room), '3/2')
  const ban = { user_id: bob.userId, 'org.matrix.msc4293.redact_events': true }
  await alice.post(`/rooms/${path(room)}/ban`, ban)
  t.is(counts(await syncAs(alice), room), '1/1')
})

test('what names no event as its thread counts in the main timeline', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const { alice, bob } = await aliceAndBob(server)
  const room = await alice.createOpenRoom()
  await bob.join(room)
  const said = await alice.say(room, 'hi', { 'm.relates_to': { rel_type: 'm.thread', event_id: 'no event' } })
  t.is(counts(await syncAs(bob, { filter: THREADS }), room), '1/0')
  await bob.post(`/rooms/${path(room)}/receipt/m.read/${path(said)}`, { thread_id: 'main' })
  t.is(counts(await syncAs(bob, { filter: THREADS }), room), '0/0')
})

testDatabases(
  test,
  'counts come with the event, and go with what is read, redacted or left',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const { alice, bob } = await aliceAndBob(server)
    const room = await alice.createOpenRoom()
    await alice.say(room, 'before anybody came')
    await bob.join(room)
    const start = await syncAs(bob)
    t.is(counts(start, room), '0/0')
    const first = await alice.say(room, 'one')
    const told = await syncUntil(bob, start.token, view => view.timeline(room).length > 0)
    t.is(counts(told, room), '1/0', 'in the same response as the event')
    const mention = await alice.say(room, 'two', { 'm.mentions': { user_ids: [bob.userId] } })
    const inThread = await alice.say(room, 'in a thread', {
      'm.relates_to': { rel_type: 'm.thread', event_id: first },
    })
    t.is(counts(await syncAs(bob), room), '3/1')
    t.is(counts(await syncAs(bob, { filter: THREADS }), room), `2/1 ${first}: 1/0`)
    t.is(counts(await syncAs(alice), room), '0/0', 'nobody is notified of what they say')

    const before = await syncAs(bob)
    await bob.post(`/rooms/${path(room)}/receipt/m.read.private/${path(mention)}`, { thread_id: 'main' })
    const read = await syncUntil(bob, before.token, view => counts(view, room) !== 'undefined/undefined')
    t.is(counts(read, room), '1/0', 'a private receipt wakes and counts')
    await alice.redact(room, inThread)
    t.is(counts(await syncAs(bob), room), '0/0')
    await alice.say(room, 'three')
    const again = await alice.say(room, 'again in a thread', {
      'm.relates_to': { rel_type: 'm.thread', event_id: first },
    })
    t.is(counts(await syncAs(bob), room), '2/0')
    await bob.say(room, 'an answer')
    t.is(counts(await syncAs(bob), room), '1/0', 'who answers has read, there')
    t.false(JSON.stringify((await syncAs(alice)).ephemeral(room)).includes(bob.userId), 'nobody hears of it')
    await bob.say(room, 'to that', { 'm.relates_to': { rel_type: 'm.thread', event_id: first } })
    t.is(counts(await syncAs(bob), room), '0/0')
    const [newest] = (await bob.get('/notifications'))['notifications'] as Json[]
    t.like(newest, { read: true, event: { event_id: again } })
    await alice.say(room, 'four')
    await bob.leave(room)
    await bob.join(room)
    t.is(counts(await syncAs(bob), room), '0/0')
  },
)

testDatabases(
  test,
  'rules decide what counts: muted rooms, keywords, ignored people',
  async (t, _, database) => {
    const server = await startTestServer({ database })
    t.teardown(server.close)
    const { alice, bob } = await aliceAndBob(server)
    const room = await alice.createOpenRoom()
    await bob.join(room)
    await bob.put(`/pushrules/global/room/${path(room)}`, { actions: [] })
    const actions = ['notify', { set_tweak: 'highlight' }]
    await bob.put('/pushrules/global/content/tea', { actions, pattern: 't?a' })
    await alice.say(room, 'muted')
    await alice.say(room, 'TEA, perhaps?')
    t.is(counts(await syncAs(bob), room), '1/1')
    await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, {
      ignored_users: { [alice.userId]: {} },
    })
    await alice.say(room, 'more tea')
    t.is(counts(await syncAs(bob), room), '0/0', 'neither what was said before')
  },
)

testDatabases(test, 'all of many changes at once are made', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const { alice } = await aliceAndBob(server)
  const many = Array.from({ length: 40 }, (__, index) => index)
  const all = (change: (index: number) => Promise<string>): Promise<string[]> => Promise.all(many.map(change))
  const backup = { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {} }
  await alice.post('/room_keys/version', backup)
  const key = { first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: {} }
  const tags = '/user/@alice:localhost/rooms/!room:localhost/tags'
  for (const change of [
    (index: number) => alice.code('PUT', `/pushrules/global/override/rule${index}`, { actions: [] }),
    (index: number) =>
      alice.code('PUT', `/pushrules/global/override/rule${index}/enabled`, { enabled: false }),
    (index: number) => alice.code('PUT', `${tags}/u.${index}`, {}),
    (index: number) =>
      alice.code('PUT', `/profile/@alice:localhost/org.field${index}`, { [`org.field${index}`]: 1 }),
    (index: number) => alice.code('PUT', `/room_keys/keys/!room:localhost/${index}?version=1`, key),
  ]) {
    t.deepEqual(new Set(await all(change)), new Set(['200 -']))
  }
  const { override = [] } = (await alice.get('/pushrules/'))['global'] as Rules
  t.is(override.filter(({ rule_id, enabled }) => rule_id.startsWith('rule') && !enabled).length, many.length)
  t.is(Object.keys((await alice.get(tags))['tags'] as Json).length, many.length)
  t.like(await alice.get('/room_keys/version'), { count: many.length, etag: String(many.length) })
})
