import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { type SyncView, syncAs, syncUntil } from '../../test-kit/syncing.ts'

type Json = Record<string, unknown>

interface Item {
  readonly id: string
  readonly kind: string
  readonly count?: number
  readonly comment?: string
  readonly messages_waiting?: number
  readonly room: { readonly room_id: string; readonly name: string }
  readonly sender: { readonly user_id: string; readonly display_name?: string }
  readonly event?: { readonly content: Json; readonly event_id: string }
}

interface Part {
  readonly items: readonly Item[]
  readonly removed: readonly string[]
  readonly total: number
  readonly next_batch?: string
  readonly reset?: boolean
}

const BASE = '/_matrix/client/v1/chat.tessera/notifications'
const FILTER = { 'chat.tessera.notifications': {} }

const list = async (person: Person, query = ''): Promise<Part> =>
  (await person.get(`${BASE}${query}`)) as unknown as Part

const partOf = ({ body }: SyncView): Part | undefined =>
  body['chat.tessera.notifications'] as Part | undefined

const roomOf = (roomId: string): string => `/rooms/${encodeURIComponent(roomId)}`

const told = (person: Person, what: string, holds: (part: Part) => boolean): Promise<void> =>
  eventually(what, async () => holds(await list(person)))

const kinds = ({ items }: Part): string[] => items.map(({ kind }) => kind).toSorted()

testDatabases(
  test,
  'what waits is told once, wakes who waits, and goes when it is acted on',
  async (t, _, config) => {
    const server = await startTestServer({ database: config })
    t.teardown(server.close)
    const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
    const roomId = await alice.createRoom({ name: 'Tea' })
    await alice.post(`${roomOf(roomId)}/invite`, { user_id: bob.userId, reason: 'Do come' })
    await told(bob, 'the invitation', ({ total }) => total === 1)
    const first = await syncAs(bob, { filter: FILTER })
    t.like(partOf(first), {
      removed: [],
      total: 1,
      items: [
        {
          kind: 'invitation',
          comment: 'Do come',
          room: { room_id: roomId, name: 'Tea' },
          sender: { user_id: alice.userId, display_name: 'alice' },
          actions: ['accept', 'decline', 'dismiss'],
        },
      ],
    })
    const plain = await syncAs(bob)
    t.is(partOf(plain), undefined, 'only those who ask are told')
    const asking = partOf(await syncAs(bob, { since: plain.token, filter: FILTER }))
    t.like(asking, { reset: true, total: 1 }, 'who asks later begins then')

    await bob.join(roomId)
    const joined = await syncUntil(bob, first.token, view => partOf(view)?.removed.length === 1, {
      filter: FILTER,
    })
    t.is(partOf(joined)?.total, 0)
    await told(alice, 'the answer', part => kinds(part).includes('invitation_accepted'))

    const waiting = syncUntil(bob, joined.token, view => (partOf(view)?.items.length ?? 0) > 0, {
      filter: FILTER,
    })
    const eventId = await alice.say(roomId, 'Hello', { 'm.mentions': { user_ids: [bob.userId] } })
    const woken = await waiting
    t.like(partOf(woken), {
      total: 1,
      items: [{ kind: 'mention', event: { event_id: eventId, content: { body: 'Hello' } } }],
    })
    t.is(partOf(await syncAs(bob, { since: woken.token, filter: FILTER })), undefined, 'once')
    await bob.post(`${roomOf(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`)
    await told(bob, 'nothing is left', ({ total }) => total === 0)
  },
)

testDatabases(
  test,
  'messages of a room fold, agree with the counts, and are closed without being read',
  async (t, _, config) => {
    const server = await startTestServer({ database: config })
    t.teardown(server.close)
    const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
    const roomId = await alice.createOpenRoom()
    const other = await alice.createOpenRoom()
    for (const room of [roomId, other]) await bob.join(room)
    for (const n of [1, 2, 3]) await alice.say(roomId, `message ${n}`)
    await told(bob, 'three for themselves', ({ items }) => items.length === 3)
    const fourth = await alice.say(roomId, 'message 4')
    await alice.say(roomId, 'bob!', { 'm.mentions': { user_ids: [bob.userId] } })
    await alice.say(other, 'elsewhere')
    await told(bob, 'four are one', part => part.total === 3 && part.items.some(({ count }) => count === 4))
    const folded = await list(bob)
    t.deepEqual(kinds(folded), ['mention', 'message', 'message'])
    const fold = folded.items.find(item => item.count === 4)
    t.is(fold?.event?.event_id, fourth)

    const unread = async (): Promise<unknown> => {
      const { body } = await syncAs(bob)
      const rooms = body['rooms'] as { join: Record<string, { unread_notifications: Json }> }
      return rooms.join[roomId]?.unread_notifications
    }
    t.deepEqual(await unread(), { notification_count: 5, highlight_count: 1 })

    const page = await list(bob, '?limit=2')
    t.is(page.items.length, 2)
    const rest = await list(bob, `?limit=2&from=${page.next_batch}`)
    t.is(rest.items.length, 1)
    t.is(rest.next_batch, undefined)
    t.is((await list(bob, '?kind=mention')).total, 1)

    // Somebody else's is nobody's.
    t.is(await alice.code('DELETE', `${BASE}/${fold?.id}`), '404 M_NOT_FOUND')
    t.deepEqual(await alice.post(`${BASE}/dismiss`, { ids: [fold?.id, 'nothing'] }), { dismissed: 0 })
    t.is(await bob.code('POST', `${BASE}/dismiss`, {}), '400 M_MISSING_PARAM')
    t.is(await bob.code('POST', `${BASE}/dismiss`, { kind: 'gossip' }), '400 M_INVALID_PARAM')
    t.is(await bob.code('POST', `${BASE}/dismiss`, { ids: [1] }), '400 M_BAD_JSON')
    t.is(await bob.code('GET', `${BASE}?from=1`), '400 M_INVALID_PARAM')
    t.is((await list(bob)).total, 3, 'nothing has changed')

    await bob.request('DELETE', `${BASE}/${fold?.id}`)
    t.deepEqual(kinds(await list(bob)), ['mention', 'message'])
    t.deepEqual(await unread(), { notification_count: 5, highlight_count: 1 }, 'closed is not read')
    await alice.say(roomId, 'message 5')
    await told(
      bob,
      'only the new one',
      ({ items }) => items.filter(item => item.room.room_id === roomId).length === 2,
    )
    t.is((await list(bob)).items.find(({ kind }) => kind === 'message')?.event?.content['body'], 'message 5')
    t.deepEqual(await bob.post(`${BASE}/dismiss`, { room_id: roomId }), { dismissed: 2 })
    t.deepEqual(await bob.post(`${BASE}/dismiss`, { kind: 'message' }), { dismissed: 1 })
    t.is((await list(bob)).total, 0)
    const regretted = await alice.say(roomId, 'never mind')
    await told(bob, 'it waits', ({ total }) => total === 1)
    await alice.redact(roomId, regretted)
    await told(bob, 'what is taken back is gone', ({ total }) => total === 0)
  },
)

testDatabases(test, 'a knock and what becomes of invitations', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const [bob, carol] = [await registerPerson(server, 'bob'), await registerPerson(server, 'carol')]
  const roomId = await alice.createRoom({
    initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
  })
  await bob.post(`/knock/${encodeURIComponent(roomId)}`, { reason: 'Me' })
  await told(alice, 'the knock', part => kinds(part).includes('knock'))
  t.like(await list(alice), { items: [{ kind: 'knock', comment: 'Me', sender: { user_id: bob.userId } }] })
  const state = (await alice.get(`${roomOf(roomId)}/state`)) as unknown as readonly Json[]
  const member = state.find(one => one['state_key'] === bob.userId)
  await alice.redact(roomId, String(member?.['event_id']))
  await told(alice, 'without its reason', ({ items }) => items[0]?.comment === undefined)
  const [knock] = (await list(alice)).items
  t.is(knock?.kind, 'knock', 'it still waits')
  t.is(knock?.sender.display_name, undefined)
  await alice.invite(roomId, bob.userId)
  await told(alice, 'answered', ({ total }) => total === 0)

  await bob.post(`${roomOf(roomId)}/leave`, { reason: 'Too late' })
  await told(alice, 'declined', part => kinds(part).includes('invitation_declined'))
  t.like((await list(alice)).items[0], {
    comment: 'Too late',
    sender: { user_id: bob.userId, display_name: 'bob' },
  })
  await alice.invite(roomId, carol.userId)
  await told(carol, 'invited', ({ total }) => total === 1)
  const { items } = await list(carol)
  await carol.request('DELETE', `${BASE}/${items[0]?.id}`)
  t.is((await list(carol)).total, 0, 'closed, and still invited')
  const { body } = await syncAs(carol)
  t.true(Object.hasOwn((body['rooms'] as { invite: Json }).invite, roomId))
  await carol.post(`${roomOf(roomId)}/leave`, { 'chat.tessera.silent': true })
  await alice.post(`${BASE}/dismiss`, { kind: 'invitation_declined' })
  // Whatever was to come of it has come once a later thing has.
  await alice.invite(roomId, bob.userId)
  await bob.join(roomId)
  await told(alice, 'accepted', part => kinds(part).includes('invitation_accepted'))
  t.deepEqual(kinds(await list(alice)), ['invitation_accepted'])
})

testDatabases(
  test,
  'whose invitations are not wanted is nowhere, and back when they are',
  async (t, _, config) => {
    const server = await startTestServer({ database: config })
    t.teardown(server.close)
    const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
    const set = (type: string, content: Json) =>
      bob.put(`/user/${encodeURIComponent(bob.userId)}/account_data/${type}`, content)
    const isSynced = async (roomId: string): Promise<boolean> => {
      const rooms = (await syncAs(bob)).body['rooms'] as { invite?: Json } | undefined
      return Object.hasOwn(rooms?.invite ?? {}, roomId)
    }
    const roomId = await alice.createRoom({ invite: [bob.userId] })
    await told(bob, 'invited', ({ total }) => total === 1)

    await set('m.ignored_user_list', { ignored_users: { [alice.userId]: {} } })
    await told(bob, 'ignored', ({ total }) => total === 0)
    t.false(await isSynced(roomId))
    await set('m.ignored_user_list', { ignored_users: {} })
    await told(bob, 'no longer ignored', ({ total }) => total === 1)
    t.true(await isSynced(roomId))

    await set('m.invite_permission_config', { default_action: 'block' })
    await told(bob, 'no invitations at all', ({ total }) => total === 0)
    t.false(await isSynced(roomId))
    await set('m.invite_permission_config', {})
    await told(bob, 'invitations again', ({ total }) => total === 1)

    const { items } = await list(bob)
    await bob.request('DELETE', `${BASE}/${items[0]?.id}`)
    await set('m.ignored_user_list', { ignored_users: { [alice.userId]: {} } })
    await set('m.ignored_user_list', { ignored_users: {} })
    const another = await alice.createRoom({ invite: [bob.userId] })
    await told(bob, 'only the new one: what was closed stays closed', ({ total }) => total === 1)
    t.like((await list(bob)).items[0], { room: { room_id: another } })
  },
)
