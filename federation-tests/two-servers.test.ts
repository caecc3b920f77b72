/** Two whole servers, as they are shipped, talk over real sockets and real TLS. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { freePort } from '../bench/free-port.ts'
import { registrations, ScriptedAppService } from '../src/test-kit/app-service.ts'
import { registration } from '../src/test-kit/app-service-world.ts'
import { type Person, personOf, registerPerson } from '../src/test-kit/person.ts'
import { type RunningTestServer, startTestServer } from '../src/test-kit/server.ts'
import { type SyncedEvent, type SyncView, syncAs, syncUntil } from '../src/test-kit/syncing.ts'
import { createAuthority, type TestAuthority, testAuthority } from '../src/test-kit/tls.ts'

type Json = Record<string, unknown>

const TEA = 'tea.test'
const CAKE = 'cake.test'

interface Site {
  readonly name: string
  readonly directory: string
  readonly port: number
}

/** Where two servers are going to be. */
const sites = async (t: ExecutionContext): Promise<[Site, Site]> => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-two-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const site = async (name: string): Promise<Site> => ({
    name,
    directory: join(directory, name),
    port: await freePort(),
  })
  return [await site(TEA), await site(CAKE)]
}

/** Starts a server at its site, which trusts the tests' authority and finds the other by the settings. */
const start = async (
  t: ExecutionContext,
  { name, directory, port }: Site,
  others: readonly Site[],
  { authority, settings = {} }: { authority?: TestAuthority; settings?: Json } = {},
): Promise<RunningTestServer> => {
  const trusted = await testAuthority()
  const leaf = await (authority ?? trusted).issue([name])
  const files = { certificate: `${directory}.pem`, key: `${directory}.key`, ca: `${directory}.ca.pem` }
  writeFileSync(files.certificate, leaf.cert)
  writeFileSync(files.key, leaf.key, { mode: 0o600 })
  writeFileSync(files.ca, trusted.pem)
  const tls = { certificate: files.certificate, key: files.key }
  const server = await startTestServer({
    serverName: name,
    directory,
    settings: {
      listeners: [
        { host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port, tls },
      ],
      ca_file: files.ca,
      federation: {
        deny_addresses: [],
        back_off: { min: '20ms', max: '20ms' },
        hosts: Object.fromEntries(others.map(other => [other.name, [`127.0.0.1:${other.port}`]])),
      },
      ...settings,
    },
  })
  t.teardown(server.close)
  return server
}

interface Pair {
  readonly tea: RunningTestServer
  readonly cake: RunningTestServer
  readonly alice: Person
  readonly bob: Person
}

const pair = async (t: ExecutionContext, settings: Json = {}): Promise<Pair> => {
  const [first, second] = await sites(t)
  const [tea, cake] = [await start(t, first, [second], { settings }), await start(t, second, [first])]
  return { tea, cake, alice: await registerPerson(tea, 'alice'), bob: await registerPerson(cake, 'bob') }
}

const invited = ({ body }: SyncView, roomId: string): readonly Json[] | undefined => {
  const rooms = body['rooms'] as { invite?: Record<string, { invite_state: { events: Json[] } }> } | undefined
  return rooms?.invite?.[roomId]?.invite_state.events
}

/** Syncs from the beginning, and on, until something holds. */
const sees = async (person: Person, holds: (view: SyncView) => boolean): Promise<SyncView> => {
  const first = await syncAs(person)
  return holds(first) ? first : syncUntil(person, first.token, holds)
}

/** Waits until somebody's room holds a message. */
const hears = (person: Person, roomId: string, body: string): Promise<SyncView> =>
  sees(person, view => view.timeline(roomId).some(({ content }) => content['body'] === body))

/** Waits until a membership is what it should be in the room as somebody sees it. */
const seesMembership = (person: Person, roomId: string, userId: string, membership: string) =>
  sees(person, view =>
    view
      .timeline(roomId)
      .some(event => stateKeyOf(event) === userId && event.content['membership'] === membership),
  )

const stateKeyOf = (event: object): unknown => (event as { state_key?: unknown }).state_key

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
    await tea.request('POST', '/_matrix/client/v3/register', { token: 'as-secret', json })
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
})

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

test('a server that was away catches up with what was said', async t => {
  const [first, second] = await sites(t)
  const tea = await start(t, first, [second])
  const cake = await start(t, second, [first])
  const [alice, bob] = [await registerPerson(tea, 'alice'), await registerPerson(cake, 'bob')]
  const roomId = await alice.createOpenRoom({ room_alias_name: 'tea' })
  await bob.join(`#tea:${TEA}`)
  await alice.say(roomId, 'before')
  await hears(bob, roomId, 'before')

  await cake.close()
  for (const body of ['one', 'two', 'three']) await alice.say(roomId, body)
  const returned = personOf(await start(t, second, [first]), bob)
  await returned.say(roomId, 'I am back')
  await hears(alice, roomId, 'I am back')
  await hears(returned, roomId, 'three')
  const page = await returned.get(`/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=10`)
  const bodies = (page['chunk'] as { content: Json }[]).flatMap(({ content }) => content['body'] ?? [])
  t.deepEqual(
    bodies.filter(body => body !== 'I am back'),
    ['three', 'two', 'one', 'before'],
  )
})

test('a server whose certificate nobody has signed is not talked to', async t => {
  const [first, second] = await sites(t)
  const tea = await start(t, first, [second])
  const cake = await start(t, second, [first], { authority: await createAuthority('Nobody') })
  const [alice, bob] = [await registerPerson(tea, 'alice'), await registerPerson(cake, 'bob')]
  const roomId = await alice.createRoom()
  const invite = `/rooms/${encodeURIComponent(roomId)}/invite`
  const { status } = await alice.request('POST', invite, { user_id: bob.userId })
  t.true(status >= 400, `the invitation was answered ${status}`)
  t.is((await syncAs(bob)).body['rooms'], undefined)
  t.regex(await alice.code('GET', `/profile/${encodeURIComponent(bob.userId)}`), /^(404|502|504) /)
  // The other way its certificate is not asked for, but its keys are, which makes its requests worth nothing.
  const open = await alice.createOpenRoom({ room_alias_name: 'open' })
  t.regex(await bob.code('POST', `/join/${encodeURIComponent(open)}?via=${TEA}`, {}), /^[45]/)
})

test('the directory and the spaces of the other server', async t => {
  const { alice, bob } = await pair(t)
  const open = await alice.createOpenRoom({ name: 'open', visibility: 'public' })
  const restricted = {
    name: 'for members',
    initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'invite' } }],
  }
  const closed = await alice.createRoom(restricted)
  const space = await alice.createOpenRoom({ name: 'space', creation_content: { type: 'm.space' } })
  for (const child of [open, closed]) await alice.setState(space, 'm.space.child', { via: [TEA] }, child)
  const listed = await bob.get(`/publicRooms?server=${TEA}`)
  const told = { creator: alice.userId, is_public: true, alt_aliases: [], invited_members: 0 }
  t.like(listed, {
    chunk: [{ room_id: open, name: 'open', 'chat.tessera.record': told }],
    total_room_count_estimate: 1,
  })
  t.like(await bob.get(`/_matrix/client/v1/chat.tessera/rooms/${open}/record?via=${TEA}`), {
    ...{ ...told, room_id: open, joined_members: 1, media: ['text', 'audio', 'video', 'screenshare'] },
  })
  const search = (term: string) =>
    bob.post(`/publicRooms?server=${TEA}`, { filter: { generic_search_term: term } })
  t.is(((await search('open'))['chunk'] as Json[]).length, 1)
  t.deepEqual((await search('nothing'))['chunk'], [])
  const own = await bob.createOpenRoom({ name: 'own', creation_content: { type: 'm.space' } })
  await bob.setState(own, 'm.space.child', { via: [TEA] }, space)
  const tree = await bob.get(`/_matrix/client/v1/rooms/${encodeURIComponent(own)}/hierarchy`)
  t.deepEqual(
    (tree['rooms'] as Json[]).map(room => room['name']),
    ['own', 'space', 'open'],
  )
})

test('a directory is kept from other servers where the settings say so', async t => {
  const { alice, bob } = await pair(t, { room_directory: { over_federation: false } })
  await alice.createOpenRoom({ name: 'open', visibility: 'public' })
  t.is(((await alice.get('/publicRooms'))['chunk'] as Json[]).length, 1)
  t.is(await bob.code('GET', `/publicRooms?server=${TEA}`), '403 M_FORBIDDEN')
})
