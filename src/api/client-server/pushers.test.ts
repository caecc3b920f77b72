import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { DatabaseConfig } from '../../storage/open.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { type PeerAnswer, ScriptedPeer } from '../../test-kit/https-server.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { type RunningTestServer, startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'
import { syncAs } from '../../test-kit/syncing.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { testAuthority } from '../../test-kit/tls.ts'

type Json = Record<string, unknown>

const path = encodeURIComponent
const NOTIFY = '/_matrix/push/v1/notify'
const TAKEN: PeerAnswer = { json: { rejected: [] } }

/** A gateway that keeps what it was told, and answers as it is set. */
class Gateway {
  readonly peer: ScriptedPeer
  answer: PeerAnswer = TAKEN
  readonly url: string

  constructor(peer: ScriptedPeer) {
    this.peer = peer
    this.url = `https://${peer.serverName}${NOTIFY}`
    peer.always('POST', NOTIFY, () => this.answer)
  }

  get told(): Json[] {
    return this.peer.requests.map(({ body }) => (body as Json)['notification'] as Json)
  }

  /** The notification about an event, once it has come. */
  async of(eventId: string): Promise<Json> {
    const find = (): Json | undefined => this.told.find(one => one['event_id'] === eventId)
    await eventually(`a notification of ${eventId}`, () => find() !== undefined)
    return find() ?? {}
  }

  /** The notification with this index, once it has come. */
  async nth(index: number): Promise<Json> {
    await eventually(`notification ${index}`, () => this.told.length > index)
    return this.told[index] ?? {}
  }
}

interface World {
  readonly server: RunningTestServer
  readonly clock: FakeClock
  readonly gateway: Gateway
  readonly alice: Person
  readonly bob: Person
}

const startWorld = async (t: ExecutionContext, database: DatabaseConfig): Promise<World> => {
  const gateway = new Gateway(await ScriptedPeer.start())
  t.teardown(() => gateway.peer.close())
  const caFile = join(temporaryDirectory(t), 'ca.pem')
  writeFileSync(caFile, (await testAuthority()).pem)
  const clock = new FakeClock()
  const server = await startTestServer({
    database,
    clock,
    settings: {
      ca_file: caFile,
      federation: { deny_addresses: [], hosts: Object.fromEntries([gateway.peer.hostsEntry]) },
    },
  })
  t.teardown(server.close)
  const [alice, bob] = await Promise.all(['alice', 'bob'].map(name => registerPerson(server, name)))
  if (alice === undefined || bob === undefined) throw new Error('nobody there')
  return { server, clock, gateway, alice, bob }
}

const pusher = (url: string, more: Json = {}): Json => ({
  app_id: 'test.app',
  pushkey: 'KEY',
  kind: 'http',
  app_display_name: 'App',
  device_display_name: 'Phone',
  profile_tag: 'tag',
  lang: 'de',
  data: { url, brand: 'x', deep: { er: 1 } },
  ...more,
})

testDatabases(test, 'a gateway is told everything about what notifies', async (t, _, database) => {
  const { clock, gateway, alice, bob } = await startWorld(t, database)
  const room = await alice.createRoom({ name: 'Tea room', room_alias_name: 'tea', preset: 'public_chat' })
  await alice.setState(room, 'm.room.canonical_alias', { alias: '#tea:localhost' })
  const setAt = Math.floor(clock.now() / 1_000)
  await bob.post('/pushers/set', pusher(gateway.url))
  const device = {
    app_id: 'test.app',
    pushkey: 'KEY',
    pushkey_ts: setAt,
    data: { brand: 'x', deep: { er: 1 } },
  }
  const sound = { sound: 'default' }

  await alice.invite(room, bob.userId)
  const invitation = await gateway.nth(0)
  t.like(invitation, {
    room_id: room,
    type: 'm.room.member',
    sender: alice.userId,
    sender_display_name: 'alice',
    room_name: 'Tea room',
    room_alias: '#tea:localhost',
    user_is_target: true,
    prio: 'high',
    counts: {},
    devices: [{ ...device, tweaks: sound }],
  })
  t.is((invitation['content'] as Json)['membership'], 'invite')

  await bob.join(room)
  const content = { msgtype: 'm.text', body: 'Hello', 'm.mentions': { user_ids: [bob.userId] } }
  const event = await alice.send(room, 'm.room.message', content)
  t.deepEqual(await gateway.nth(1), {
    event_id: event,
    room_id: room,
    type: 'm.room.message',
    sender: alice.userId,
    sender_display_name: 'alice',
    room_name: 'Tea room',
    room_alias: '#tea:localhost',
    prio: 'high',
    content,
    counts: { unread: 1 },
    devices: [{ ...device, tweaks: { ...sound, highlight: true } }],
  })
  t.like(gateway.peer.requests[1], { method: 'POST', url: NOTIFY })
  t.is(gateway.peer.requests[1]?.headers['content-type'], 'application/json')

  await bob.post(`/rooms/${path(room)}/receipt/m.read/${path(event)}`)
  t.deepEqual(await gateway.nth(2), { counts: {}, prio: 'low', devices: [device] }, 'the badge goes down')

  await bob.post('/pushers/set', pusher(gateway.url, { data: { url: gateway.url, format: 'event_id_only' } }))
  const second = await alice.say(room, 'once more')
  t.deepEqual(await gateway.nth(3), {
    event_id: second,
    room_id: room,
    prio: 'high',
    counts: { unread: 1 },
    devices: [{ ...device, data: { format: 'event_id_only' } }],
  })
  await bob.put(`/pushrules/global/room/${path(room)}`, { actions: [] })
  await alice.say(room, 'muted')
  // Rules are those of the moment in which an event is counted: let that be over before they change again.
  await syncAs(bob)
  await bob.request('DELETE', `/pushrules/global/room/${path(room)}`)
  const third = await alice.say(room, 'heard')
  t.is((await gateway.nth(4))['event_id'], third)

  const missed = async (index: number) => ((await gateway.nth(index))['counts'] as Json)['missed_calls']
  const call = { call_id: '1', party_id: 'p', version: '1' }
  const offer = { type: 'offer', sdp: 'v=0' }
  await alice.send(room, 'm.call.invite', { ...call, lifetime: 60_000, offer })
  t.is(await missed(5), undefined, 'it rings')
  await clock.advance(61_000)
  await alice.say(room, 'I called')
  t.is(await missed(6), 1)
  await bob.send(room, 'm.call.answer', { ...call, answer: { type: 'answer', sdp: 'v=0' } })
  await alice.say(room, 'There you are')
  t.is(await missed(7), undefined)

  // MSC4076: a client that counts by itself is told of no counts, and woken by none.
  const flag = { 'org.matrix.msc4076.disable_badge_count': true }
  const withFlag = [
    pusher(gateway.url, flag),
    pusher(gateway.url, { data: { url: gateway.url, format: 'event_id_only', ...flag } }),
  ]
  await gateway.of(await alice.say(room, 'the last one before'))
  const before = gateway.told.length
  for (const given of withFlag) {
    await bob.post('/pushers/set', given)
    const uncounted = await alice.say(room, 'uncounted')
    t.false('counts' in (await gateway.of(uncounted)))
    await bob.post(`/rooms/${path(room)}/receipt/m.read/${path(uncounted)}`)
  }
  await gateway.of(await alice.say(room, 'one more'))
  t.is(gateway.told.length, before + 3)
  t.deepEqual(gateway.peer.problems(), [])
})

testDatabases(
  test,
  'what a gateway does not take is tried again; a rejected key is dropped',
  async (t, _, database) => {
    const { clock, gateway, alice, bob } = await startWorld(t, database)
    const room = await alice.createOpenRoom()
    await bob.join(room)
    await bob.post('/pushers/set', pusher(gateway.url))
    gateway.answer = { status: 502, text: 'away' }
    const first = await alice.say(room, 'one')
    const second = await alice.say(room, 'two')
    t.is((await gateway.nth(0))['event_id'], first)
    for (const attempts of [2, 3]) {
      await eventually('the next attempt', async () => {
        await clock.advance(1_000)
        return gateway.told.length >= attempts
      })
    }
    t.true(
      gateway.told.every(one => one['event_id'] === first),
      'in order',
    )
    gateway.answer = TAKEN
    await eventually('the second event', async () => {
      await clock.advance(1_000)
      return gateway.told.at(-1)?.['event_id'] === second
    })
    const soFar = gateway.told.length

    gateway.answer = { json: { rejected: ['other', 'KEY'] } }
    await alice.say(room, 'three')
    await gateway.nth(soFar)
    await eventually(
      'the pusher to go',
      async () => ((await bob.get('/pushers'))['pushers'] as []).length === 0,
    )
    await alice.say(room, 'four')
    gateway.answer = TAKEN
    await bob.post('/pushers/set', pusher(gateway.url, { pushkey: 'NEW' }))
    const last = await alice.say(room, 'five')
    t.is(
      (await gateway.nth(soFar + 1))['event_id'],
      last,
      'nothing is sent to a pusher from before it was there',
    )
  },
)

testDatabases(
  test,
  'pushers are set, listed, taken over and go with their device',
  async (t, _, database) => {
    const { server, gateway, alice, bob } = await startWorld(t, database)
    const { url } = gateway
    const list = async (who: Person): Promise<Json[]> => (await who.get('/pushers'))['pushers'] as Json[]
    const set = (who: Person, more: Json = {}): Promise<string> =>
      who.code('POST', '/pushers/set', pusher(url, more))
    t.deepEqual(await list(bob), [])
    t.is(await set(bob), '200 -')
    t.deepEqual(await list(bob), [pusher(url)])
    t.is(await set(bob, { lang: 'en' }), '200 -')
    t.deepEqual(await list(bob), [pusher(url, { lang: 'en' })])
    t.is(await set(alice, { append: true }), '200 -')
    t.is((await list(bob)).length, 1)
    t.is(await set(alice), '200 -')
    t.deepEqual([(await list(alice)).length, (await list(bob)).length], [1, 0])
    t.is(
      await alice.code('POST', '/pushers/set', { app_id: 'test.app', pushkey: 'KEY', kind: null }),
      '200 -',
    )
    t.deepEqual(await list(alice), [])

    for (const data of [{ url: url.replace('https', 'http') }, { url: 'nowhere' }, { url: `${url}/else` }]) {
      t.is(await set(bob, { data }), '400 M_INVALID_PARAM', data.url)
    }
    for (const wrong of [{ kind: 'pigeon' }, { pushkey: 'x'.repeat(513) }, { app_id: 'x'.repeat(65) }]) {
      t.is(await set(bob, wrong), '400 M_INVALID_PARAM')
    }
    for (const missing of [
      'lang',
      'data',
      'app_display_name',
      'device_display_name',
      'app_id',
      'pushkey',
      'kind',
    ]) {
      const { [missing]: __, ...rest } = pusher(url)
      t.is(await bob.code('POST', '/pushers/set', rest), '400 M_MISSING_PARAM', missing)
    }
    t.is(await set(bob, { data: {} }), '400 M_MISSING_PARAM')

    const other = await server.login('bob')
    const asOther = { token: other.accessToken, json: pusher(url, { pushkey: 'OTHER' }) }
    await server.request('POST', '/_matrix/client/v3/pushers/set', asOther)
    t.is(await set(bob), '200 -')
    t.is((await list(bob)).length, 2)
    const auth = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'bob' },
      password: TEST_PASSWORD,
    }
    t.is(
      await bob.code('POST', '/account/password', { new_password: 'another good password', auth }),
      '200 -',
    )
    t.deepEqual(
      (await list(bob)).map(one => one['pushkey']),
      ['KEY'],
      'only that of the device that changed the password is left',
    )
    await bob.post('/logout')
    const again = await server.login('bob', 'another good password')
    const left = await server.request('GET', '/_matrix/client/v3/pushers', { token: again.accessToken })
    t.deepEqual(left.body, { pushers: [] })
  },
)
