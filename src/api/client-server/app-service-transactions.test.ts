/** What an application service is sent, and when it is sent again. */
import test from 'ava'
import { registrations, ScriptedAppService } from '../../test-kit/app-service.ts'
import {
  BOT,
  GHOST,
  type Json,
  registerGhost,
  registration,
  startWorld,
} from '../../test-kit/app-service-world.ts'
import { testPostgres } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { personOf, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

test('a transaction is sent again as it was until it is taken', async t => {
  const world = await startWorld(t)
  const { service, alice, clock, act } = world
  await registerGhost(world)
  let failures = 2
  service.answer = ({ path }) => {
    if (path.startsWith('/transactions/')) return { status: 404 }
    return path.includes('/transactions/') && failures-- > 0 ? { status: 500 } : {}
  }
  const room = await alice.createRoom({ preset: 'public_chat', invite: [GHOST] })
  const transactions = () =>
    service.requests.filter(({ path }) => path.startsWith('/_matrix/app/v1/transactions/'))
  // Both might go in one otherwise.
  await service.until(() => transactions().length > 0)
  await act('POST', `/join/${room}`, {}, GHOST)
  await eventually('all are delivered', async () => {
    await clock.advance(1_000)
    return transactions().length === 4
  })
  const [first, second, third, fourth] = transactions()
  t.deepEqual(second, first)
  t.deepEqual(third, first)
  t.not(fourth?.path, third?.path)
  t.deepEqual(
    service.told('events').map(({ content }) => (content as Json)['membership']),
    ['invite', 'join'],
  )
})

test('a service that takes nothing is tried again as soon as it asks for something', async t => {
  const world = await startWorld(t)
  const { service, alice, clock, act } = world
  await registerGhost(world)
  // What it may have asked for a moment ago does not count then.
  await clock.advance(30_000)
  let failures = 1
  service.answer = ({ path }) => {
    if (path.startsWith('/transactions/')) return { status: 404 }
    return failures-- > 0 ? { status: 500 } : {}
  }
  const tries = () => service.requests.filter(({ path }) => path.startsWith('/_matrix/app/v1/transactions/'))
  await alice.createRoom({ preset: 'public_chat', invite: [GHOST] })
  await service.until(() => tries().length > 0)
  await act('GET', '/account/whoami')
  await service.until(() => tries().length > 1)
  const [first, second] = tries()
  t.deepEqual(second, first)
})

test('a service that asks for something before it listens is not left for long after that', async t => {
  const world = await startWorld(t)
  const { service, alice, clock, act } = world
  await registerGhost(world)
  let isListening = false
  let tries = 0
  let taken = 0
  service.answer = ({ path }) => {
    if (!path.startsWith('/_matrix/app/v1/transactions/')) return { status: 404 }
    tries += 1
    if (isListening) taken += 1
    return isListening ? {} : { status: 502 }
  }
  await alice.createRoom({ preset: 'public_chat', invite: [GHOST] })
  await eventually('it is tried every ten minutes', async () => {
    await clock.advance(600_000)
    return tries > 10
  })
  const before = tries
  await act('GET', '/account/whoami')
  await service.until(() => tries > before)
  isListening = true
  const since = clock.now()
  await eventually('it is told', async () => {
    await clock.advance(500)
    return taken > 0
  })
  t.true(clock.now() - since < 400_000)
})

test('an invitation of one of its users tells the service of the room, and nobody else’s does', async t => {
  const world = await startWorld(t)
  const { service, alice, act } = world
  await registerGhost(world)
  const bob = await registerPerson(world.server, 'bob')
  const room = await alice.createRoom({ name: 'Tea', invite: [GHOST], reason: 'Do come' })
  const invited = (userId: string) =>
    service.told('events').find(event => event['state_key'] === userId) as
      | { readonly unsigned: { readonly invite_room_state?: readonly Json[] } }
      | undefined
  await service.until(() => invited(GHOST) !== undefined)
  const described = invited(GHOST)?.unsigned.invite_room_state ?? []
  t.like(
    described.find(({ type }) => type === 'm.room.name'),
    { content: { name: 'Tea' }, state_key: '' },
  )
  t.true(described.some(event => event['type'] === 'm.room.create'))
  await act('POST', `/join/${room}`, {}, GHOST)
  await alice.invite(room, bob.userId)
  await service.until(() => invited(bob.userId) !== undefined)
  t.false(Object.hasOwn(invited(bob.userId)?.unsigned ?? {}, 'invite_room_state'))
})

test('typing, receipts and presence of rooms with its users reach the service', async t => {
  const world = await startWorld(t)
  const { service, alice, act } = world
  await registerGhost(world)
  const room = await alice.createRoom({ preset: 'public_chat' })
  await act('POST', `/join/${room}`, {}, GHOST)
  const said = await alice.say(room, 'hello')
  await alice.put(`/rooms/${room}/typing/${alice.userId}`, { typing: true, timeout: 10_000 })
  await act('POST', `/rooms/${room}/receipt/m.read.private/${said}`, {}, GHOST)
  await alice.post(`/rooms/${room}/receipt/m.read/${said}`)
  await alice.post(`/rooms/${room}/receipt/m.read.private/${said}`)
  await alice.put(`/presence/${alice.userId}/status`, { presence: 'unavailable', status_msg: 'tea' })
  const kinds = ['m.typing', 'm.receipt', 'm.presence']
  await service.until(() => kinds.every(kind => service.told('ephemeral').some(({ type }) => type === kind)))
  for (const part of ['"m.read"', '"status_msg":"tea"'])
    await service.until(() => JSON.stringify(service.told('ephemeral')).includes(part))
  const told = JSON.stringify(service.told('ephemeral'))
  t.true(told.includes(`{"type":"m.typing","room_id":"${room}","content":{"user_ids":["${alice.userId}"]}}`))
  t.regex(told, new RegExp(`"m.read.private":\\{"${GHOST}"`))
  t.notRegex(told, new RegExp(`"m.read.private":\\{"${alice.userId}"`))
})

test('messages to all devices of a user reach a service that was away, however many these are', async t => {
  const world = await startWorld(t)
  const { service, alice, clock, act } = world
  await registerGhost(world)
  const devices = Array.from({ length: 150 }, (_, nr) => `DEVICE${nr}`)
  for (const device of devices) await act('PUT', `/devices/${device}`, {}, GHOST)
  let isAway = true
  service.answer = ({ path }) => (path.includes('/transactions/') && isAway ? { status: 502 } : {})
  for (const [nr, type] of ['m.one', 'm.two'].entries())
    await alice.put(`/sendToDevice/${type}/${nr}`, { messages: { [GHOST]: { '*': {} } } })
  isAway = false
  service.requests.length = 0
  await eventually('all are told', async () => {
    await clock.advance(600_000)
    return service.told('to_device').length === 2 * devices.length
  })
  const told = service.told('to_device').map(each => `${each['type']} ${each['to_device_id']}`)
  t.is(new Set(told).size, 2 * devices.length)
})

testPostgres(
  test,
  'of two processes one tells the service, and the other goes on when it ends',
  async (t, _, database) => {
    const first = await startWorld(t, { database })
    const { service, alice, act } = first
    await registerGhost(first)
    const clock = new FakeClock()
    const directory = registrations(t, registration(service.url))
    const options = { clock, database, settings: { application_services: { directory } } }
    const second = await startTestServer(options)
    t.teardown(second.close)
    const room = await alice.createRoom({ preset: 'public_chat', invite: [GHOST] })
    await act('POST', `/join/${room}`, {}, GHOST)
    for (const body of ['one', 'two']) await alice.say(room, body)
    const said = () => service.told('events').flatMap(({ content }) => (content as Json)['body'] ?? [])
    await service.until(() => said().length === 2)
    await first.server.close()
    const still = personOf(second, alice)
    await still.say(room, 'three')
    await eventually('the other process tells the service', async () => {
      await clock.advance(10_000)
      return said().length === 3
    })
    t.deepEqual(said(), ['one', 'two', 'three'])
  },
)

const AS_TOKEN = registration('')['as_token'] as string

test('messages to the device of a service that encrypts by /sync wait there, though a transaction has told of them', async t => {
  const service = await ScriptedAppService.start(t)
  const directory = registrations(t, { ...registration(service.url), 'org.matrix.msc3202': false })
  const server = await startTestServer({ settings: { application_services: { directory } } })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const login = { type: 'm.login.application_service', identifier: { type: 'm.id.user', user: 'bridge' } }
  const { body } = await server.request('POST', '/_matrix/client/v3/login', {
    token: AS_TOKEN,
    json: { ...login, device_id: 'BRIDGE' },
  })
  const token = (body as Json)['access_token'] as string
  await alice.put('/sendToDevice/m.room_key/1', { messages: { [BOT]: { BRIDGE: { key: 1 } } } })
  await service.until(() => service.told('to_device').length > 0)
  await alice.put('/sendToDevice/m.room_key/2', { messages: { [BOT]: { BRIDGE: { key: 2 } } } })
  await service.until(() => service.told('to_device').length > 1)
  const sync = await server.request('GET', '/_matrix/client/v3/sync', { token })
  const { events } = (sync.body as { to_device: { events: { content: Json }[] } }).to_device
  t.deepEqual(
    events.map(({ content }) => content),
    [{ key: 1 }, { key: 2 }],
  )
})
