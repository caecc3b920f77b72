import test from 'ava'
import { newPerson, type Person, serverTests } from '../../test-kit/people.ts'
import { roomOf } from '../../test-kit/shown.ts'

/** What clients use beyond the specification, and what they find of it in `/versions`. */

const onServer = serverTests(test, {
  settings: {
    public_base_url: 'https://matrix.example.org/',
    rtc: { livekit_service_urls: ['https://rtc.example.org/jwt'] },
  },
})
const path = encodeURIComponent

const relating = (relType: string, parent: string, more: object = {}): object => ({
  ...{ msgtype: 'm.text', body: relType },
  'm.relates_to': { rel_type: relType, event_id: parent, ...more },
})

const isRedacted = async (who: Person, roomId: string, eventId: string): Promise<boolean> => {
  const event = await who.api<{ unsigned: object }>('GET', `/rooms/${path(roomId)}/event/${path(eventId)}`)
  return 'redacted_because' in event.unsigned
}

onServer('MSC3912: what relates to an event is redacted along with it', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const roomId = await roomOf(ann, [bob])
  const root = await bob.send(roomId, 'root')
  const edit = await bob.send(roomId, { ...relating('m.replace', root), 'm.new_content': { body: 'new' } })
  const notAnEdit = await ann.send(roomId, {
    ...relating('m.replace', root),
    'm.new_content': { body: 'no' },
  })
  const own = await bob.send(roomId, relating('m.thread', root))
  const others = await ann.send(roomId, relating('m.thread', root))
  const reaction = await ann.send(roomId, relating('m.annotation', root, { key: 'k' }), 'm.reaction')
  const redact = (who: Person, txn: string, body: object) =>
    who.api('PUT', `/rooms/${path(roomId)}/redact/${path(root)}/${txn}`, body)
  const redacted = () =>
    Promise.all([root, edit, notAnEdit, own, others, reaction].map(id => isRedacted(ann, roomId, id)))
  await redact(bob, 'one', { 'org.matrix.msc3912.with_relations': ['m.replace', 'm.thread'] })
  t.deepEqual(
    await redacted(),
    [true, true, false, true, false, false],
    'as far as bob may, and as they are valid',
  )
  await redact(ann, 'two', { with_rel_types: ['*'] })
  t.deepEqual(await redacted(), [true, true, false, true, true, true])
  await t.throwsAsync(redact(ann, 'three', { with_rel_types: 'm.thread' }), { code: '400 M_BAD_JSON' })
})

onServer('MSC4293: a ban or kick may redact what its target has sent in this stay', async (t, server) => {
  const [ann, bob, cat] = [await newPerson(server), await newPerson(server), await newPerson(server)]
  const roomId = await roomOf(ann, [bob, cat])
  const before = await bob.send(roomId, 'before')
  await bob.change('leave', roomId)
  await ann.change('invite', roomId, bob)
  await bob.change('join', roomId)
  const first = await bob.send(roomId, 'first')
  await bob.setState(roomId, 'm.room.member', { membership: 'join', displayname: 'spam' }, bob.userId)
  const second = await bob.send(roomId, 'second')
  await ann.setState(roomId, 'm.room.power_levels', { users: { [bob.userId]: 50 } })
  const acl = await bob.setState(roomId, 'm.room.server_acl', { allow: ['*'] })
  await ann.setState(roomId, 'm.room.power_levels', {})
  const others = await cat.send(roomId, 'others')
  const flag = { 'org.matrix.msc4293.redact_events': true }
  await t.throwsAsync(ann.change('ban', roomId, bob, { 'org.matrix.msc4293.redact_events': 1 }), {
    code: '400 M_BAD_JSON',
  })
  await ann.change('ban', roomId, bob, { ...flag, reason: 'flooding' })
  const all = [before, first, second, acl, others]
  const gone = [false, true, true, false, false]
  t.deepEqual(
    await Promise.all(all.map(id => isRedacted(ann, roomId, id))),
    gone,
    'not what holds for servers',
  )
  const shown = await cat.api<{ content: object; unsigned: object }>(
    'GET',
    `/rooms/${path(roomId)}/event/${path(second)}`,
  )
  t.deepEqual(shown.content, {})
  t.like(shown.unsigned, {
    redacted_because: { type: 'm.room.member', sender: ann.userId, content: { reason: 'flooding', ...flag } },
  })
  // Who leaves by themselves redacts nothing; nor does who may remove others, and not redact them.
  await ann.setState(roomId, 'm.room.power_levels', { users: { [cat.userId]: 40 }, kick: 0, redact: 50 })
  const dan = await newPerson(server)
  await ann.change('invite', roomId, dan)
  await dan.change('join', roomId)
  const kept = await dan.send(roomId, 'kept')
  await cat.change('kick', roomId, dan, flag)
  await cat.setState(roomId, 'm.room.member', { membership: 'leave', ...flag }, cat.userId)
  t.deepEqual(await Promise.all([kept, others].map(id => isRedacted(ann, roomId, id))), [false, false])
})

onServer('MSC3874: messages are filtered by how they relate', async (t, server) => {
  const ann = await newPerson(server)
  const roomId = await ann.createRoom()
  const root = await ann.send(roomId, 'root')
  const inThread = await ann.send(roomId, relating('m.thread', root))
  const reference = await ann.send(roomId, relating('m.reference', root))
  const found = async (filter: object) =>
    (
      await ann.messages(roomId, { dir: 'f', limit: 50, filter: { types: ['m.room.message'], ...filter } })
    ).chunk.map(event => event.event_id)
  t.deepEqual(await found({ 'org.matrix.msc3874.not_rel_types': ['m.thread'] }), [root, reference])
  t.deepEqual(await found({ 'org.matrix.msc3874.rel_types': ['m.thread', 'm.reference'] }), [
    inThread,
    reference,
  ])
  t.deepEqual(
    await found({
      'org.matrix.msc3874.rel_types': ['m.thread'],
      'org.matrix.msc3874.not_rel_types': ['m.thread'],
    }),
    [],
  )
  await t.throwsAsync(found({ 'org.matrix.msc3874.rel_types': 'm.thread' }), { code: '400 M_INVALID_PARAM' })
})

onServer('MSC2285: private receipts go by their older name too', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const roomId = await roomOf(ann, [bob])
  const [first, second] = [await ann.send(roomId, '1'), await ann.send(roomId, '2')]
  const room = `/rooms/${path(roomId)}`
  await bob.api('POST', `${room}/receipt/org.matrix.msc2285.read.private/${path(first)}`, {})
  const receipts = async (who: Person) =>
    JSON.stringify((await who.sync()).rooms?.join?.[roomId]?.ephemeral?.events ?? [])
  t.regex(await receipts(bob), /m\.read\.private/)
  await bob.api('POST', `${room}/read_markers`, { 'org.matrix.msc2285.read.private': second })
  t.true((await receipts(bob)).includes(second))
  t.false((await receipts(ann)).includes('m.read.private'))
})

onServer('an alias that is deleted is no longer what a room is called', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const name = ann.account.deviceId.toLowerCase()
  const [main, other] = [`#${name}:${server.serverName}`, `#${name}2:${server.serverName}`]
  const roomId = await ann.createRoom({ preset: 'public_chat', room_alias_name: name })
  await bob.change('join', roomId)
  const directory = (alias: string): string => `/directory/room/${path(alias)}`
  await bob.api('PUT', directory(other), { room_id: roomId })
  await ann.setState(roomId, 'm.room.canonical_alias', { alias: main, alt_aliases: [other] })
  const canonical = () => ann.api<object>('GET', `/rooms/${path(roomId)}/state/m.room.canonical_alias/`)
  await ann.api('DELETE', directory(main))
  t.deepEqual(await canonical(), { alt_aliases: [other] })
  await bob.api('DELETE', directory(other))
  t.deepEqual(await canonical(), { alt_aliases: [other] }, 'bob may not change it, but the alias is gone')
  await t.throwsAsync(ann.api('GET', directory(other)), { code: '404 M_NOT_FOUND' })
})

onServer('MSC4143: clients are told where calls of several people are carried', async (t, server) => {
  const ann = await newPerson(server)
  const transports = [{ type: 'livekit', livekit_service_url: 'https://rtc.example.org/jwt' }]
  const target = '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports'
  const told = await server.request('GET', target, { token: ann.account.accessToken })
  t.deepEqual(told.body, { rtc_transports: transports })
  const { body } = await server.request('GET', '/.well-known/matrix/client')
  t.like(body, {
    'org.matrix.msc4143.rtc_foci': transports,
    'org.matrix.msc2965.authentication': {
      issuer: 'https://matrix.example.org/',
      account: 'https://matrix.example.org/account',
    },
  })
})

onServer('aliases and relations are also asked for at the places that they had first', async (t, server) => {
  const ann = await newPerson(server)
  const roomId = await ann.createRoom({ room_alias_name: ann.account.deviceId.toLowerCase() })
  const root = await ann.send(roomId, 'root')
  const reply = await ann.send(roomId, relating('m.thread', root))
  const old = async (what: string) => {
    const target = `/_matrix/client/unstable/${what}`
    return (await server.request('GET', target, { token: ann.account.accessToken })).body
  }
  t.deepEqual(await old(`org.matrix.msc2432/rooms/${path(roomId)}/aliases`), {
    aliases: [`#${ann.account.deviceId.toLowerCase()}:${server.serverName}`],
  })
  for (const narrowed of ['', '/m.thread', '/m.thread/m.room.message']) {
    const relations = `rooms/${path(roomId)}/relations/${path(root)}${narrowed}`
    t.like(await old(relations), { chunk: [{ event_id: reply }] }, narrowed)
  }
})

onServer(
  'MSC4133: fields of profiles are also set, read and deleted where they were first',
  async (t, server) => {
    const ann = await newPerson(server)
    const target = `/_matrix/client/unstable/uk.tcpip.msc4133/profile/${path(ann.userId)}/org.example.tea`
    const { accessToken: token } = ann.account
    t.is((await server.request('PUT', target, { token, json: { 'org.example.tea': 'green' } })).status, 200)
    t.deepEqual((await server.request('GET', target)).body, { 'org.example.tea': 'green' })
    t.is((await server.request('DELETE', target, { token })).status, 200)
    t.is((await server.request('GET', target)).status, 404)
  },
)

onServer('/versions says so', async (t, server) => {
  const { body } = await server.request('GET', '/_matrix/client/versions')
  const { unstable_features: features } = body as { unstable_features: object }
  t.like(features, {
    'org.matrix.msc2285.stable': true,
    'org.matrix.msc3874': true,
    'org.matrix.msc3912': true,
    'org.matrix.msc4140': true,
    'org.matrix.msc4143': true,
    'org.matrix.msc4155': true,
    'org.matrix.msc4222': true,
    'org.matrix.msc4380.stable': true,
    'org.matrix.simplified_msc3575': true,
  })
})
