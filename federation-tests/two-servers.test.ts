/** What two servers do with invitations, knocks and those of bridges. */
import test from 'ava'
import { registrations, ScriptedAppService } from '../src/test-kit/app-service.ts'
import { registration } from '../src/test-kit/app-service-world.ts'
import type { Person } from '../src/test-kit/person.ts'
import { type SyncedEvent, type SyncView, syncAs, syncUntil } from '../src/test-kit/syncing.ts'
import { hears, invited, type Json, pair, sees, seesMembership, stateKeyOf, TEA } from './two-sites.ts'

test('an invitation is accepted, and both talk', async t => {
  const { alice, bob } = await pair(t)
  const roomId = await alice.createRoom({ name: 'Five o’clock' })
  const { token } = await syncAs(bob)
  const invitation = { user_id: bob.userId, reason: 'Bring cake' }
  await alice.post(`/rooms/${encodeURIComponent(roomId)}/invite`, invitation)
  const view = await syncUntil(bob, token, each => invited(each, roomId) !== undefined)
  const shown = invited(view, roomId) ?? []
  t.like(
    shown.find(event => event['type'] === 'm.room.name'),
    { content: { name: 'Five o’clock' } },
  )
  t.like(
    shown.find(event => stateKeyOf(event) === bob.userId),
    { content: { membership: 'invite', reason: 'Bring cake' } },
  )
  await bob.join(roomId)
  await alice.say(roomId, 'Welcome')
  await hears(bob, roomId, 'Welcome')
  await bob.say(roomId, 'The cake is here')
  await hears(alice, roomId, 'The cake is here')
  t.deepEqual(
    Object.keys(
      (await alice.get(`/rooms/${encodeURIComponent(roomId)}/joined_members`))['joined'] as Json,
    ).sort(),
    [alice.userId, bob.userId],
  )
})

test('a bridge is asked for whom the other server invites, and makes them', async t => {
  const service = await ScriptedAppService.start(t)
  const irc = { ...registration(service.url), namespaces: { users: [{ exclusive: true, regex: '@_irc_' }] } }
  const directory = registrations(t, irc)
  const { tea, bob } = await pair(t, { application_services: { directory } })
  const ghost = `@_irc_ghost:${TEA}`
  const roomId = await bob.createRoom()
  const invite = (userId: string): Promise<string> =>
    bob.code('POST', `/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: userId })
  service.answer = async ({ path }) => {
    if (path.includes('/transactions/')) return {}
    if (!path.endsWith(encodeURIComponent(ghost))) return { status: 404, body: { errcode: 'M_NOT_FOUND' } }
    const json = { type: 'm.login.application_service', username: '_irc_ghost', inhibit_login: true }
    const act = (method: string, path: string, json: Json): Promise<unknown> =>
      tea.request(method, `/_matrix/client/v3${path}`, { token: 'as-secret', json })
    await act('POST', '/register', json)
    await act('PUT', `/devices/GHOSTLY?user_id=${encodeURIComponent(ghost)}`, {})
    return {}
  }
  t.is(await invite(`@_irc_nobody:${TEA}`), '403 M_FORBIDDEN')
  t.is(await invite(ghost), '200 -')
  const isInvited = (): boolean => service.told('events').some(event => event['state_key'] === ghost)
  await service.until(isInvited)
  t.deepEqual(
    service.requests.filter(({ path }) => path.includes('/users/')).map(({ path }) => path),
    [`@_irc_nobody:${TEA}`, ghost].map(userId => `/_matrix/app/v1/users/${encodeURIComponent(userId)}`),
  )

  const countsOf = ({ body }: { body: Json }): unknown => body['device_one_time_keys_count']
  await service.until(() => service.requests.some(countsOf))
  const another = await bob.createRoom()
  await bob.invite(another, ghost)
  const invitation = () =>
    service.requests.find(({ body }) => (body['events'] as Json[] | undefined)?.some(isIn(another)))
  await service.until(() => invitation() !== undefined)
  const counts = { [ghost]: { GHOSTLY: { signed_curve25519: 0 } } }
  t.deepEqual(countsOf(invitation() ?? { body: {} }), counts, 'before somebody can encrypt for the bridge')
})

const isIn =
  (roomId: string) =>
  (event: Json): boolean =>
    event['room_id'] === roomId

interface SlidRoom {
  readonly membership?: string
  readonly required_state?: readonly SyncedEvent[]
}

/** One request of sliding sync for all rooms of somebody. */
const slide = async (
  person: Person,
  pos?: string,
): Promise<{ pos: string; rooms: Record<string, SlidRoom> }> => {
  const lists = { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } }
  const query = pos === undefined ? '' : `?pos=${pos}`
  return (await person.post(`/_matrix/client/unstable/org.matrix.simplified_msc3575/sync${query}`, {
    lists,
  })) as never
}

test('an invitation is declined, another withdrawn', async t => {
  const { alice, bob } = await pair(t)
  const roomId = await alice.createRoom()
  await alice.invite(roomId, bob.userId)
  const first = await sees(bob, view => invited(view, roomId) !== undefined)
  const shown = await slide(bob)
  t.is(shown.rooms[roomId]?.membership, 'invite')
  await bob.leave(roomId)
  for (const again of [1, 2]) {
    const { membership, required_state: state } = (await slide(bob, shown.pos)).rooms[roomId] ?? {}
    t.is(membership, 'leave', `asked ${again} times, as after a lost answer`)
    t.deepEqual(
      state?.map(({ sender, content }) => [sender, content['membership']]),
      [[bob.userId, 'leave']],
    )
  }
  const over = await slide(bob, shown.pos)
  t.deepEqual((await slide(bob, over.pos)).rooms, {}, 'once')
  await seesMembership(alice, roomId, bob.userId, 'leave')

  await alice.invite(roomId, bob.userId)
  const second = await syncUntil(bob, first.token, view => invited(view, roomId) !== undefined)
  await alice.post(`/rooms/${encodeURIComponent(roomId)}/kick`, { user_id: bob.userId })
  const third = await syncUntil(bob, second.token, ({ body }) => {
    const rooms = body['rooms'] as { leave?: Json } | undefined
    return rooms?.leave?.[roomId] !== undefined
  })
  t.is(invited(third, roomId), undefined)
  t.is(await bob.code('POST', `/join/${encodeURIComponent(roomId)}`, {}), '403 M_FORBIDDEN')
})

/** By whom, how and why it ended that somebody wanted into a room, as `/sync` tells it in the timeline and in `state_after`. */
const endsOf = async (person: Person, since: string, roomId: string): Promise<unknown[][][]> => {
  const { rooms } = await person.get(`/sync?since=${since}&use_state_after=true&set_presence=offline`)
  const { timeline, state_after: state } = (rooms as { leave: Record<string, Ended> }).leave[roomId] ?? {}
  return [timeline, state].map((part = { events: [] }) =>
    part.events.map(({ sender, content }) => [sender, content['membership'], content['reason']]),
  )
}

interface Ended {
  readonly timeline?: { readonly events: readonly SyncedEvent[] }
  readonly state_after?: { readonly events: readonly SyncedEvent[] }
}

test('a knock is taken back, another refused, a third answered by an invitation', async t => {
  const { alice, bob } = await pair(t)
  const roomId = await alice.createRoom({
    initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
  })
  const room = `/rooms/${encodeURIComponent(roomId)}`
  const knock = async (reason: string): Promise<void> => {
    await bob.post(`/knock/${encodeURIComponent(roomId)}?via=${TEA}`, { reason })
    await sees(alice, view => view.timeline(roomId).some(event => event.content['reason'] === reason))
  }
  const hasEnded = ({ body }: SyncView): boolean =>
    (body['rooms'] as { leave?: Json } | undefined)?.leave?.[roomId] !== undefined
  await knock('Once')
  const { token } = await syncAs(bob)
  await bob.leave(roomId)
  await syncUntil(bob, token, hasEnded)
  const own = [[bob.userId, 'leave', undefined]]
  t.deepEqual(await endsOf(bob, token, roomId), [own, own], 'clients take no less for the end of it')
  await seesMembership(alice, roomId, bob.userId, 'leave')

  await knock('Twice')
  const again = await syncAs(bob)
  await alice.post(`${room}/kick`, { user_id: bob.userId, reason: 'Not now' })
  await syncUntil(bob, again.token, hasEnded)
  const refused = [[alice.userId, 'leave', 'Not now']]
  t.deepEqual(await endsOf(bob, again.token, roomId), [refused, refused])

  await knock('A third time')
  await alice.invite(roomId, bob.userId)
  await sees(bob, view => invited(view, roomId) !== undefined)
  await bob.join(roomId)
  await alice.say(roomId, 'Come in')
  await hears(bob, roomId, 'Come in')
})
