import test, { type ExecutionContext } from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { type Person, personOf, registerPerson } from '../../test-kit/person.ts'
import { startTestServer, type TestServerOptions } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'

/** Delayed events over HTTP, as clients use them (MSC4140). */

const path = encodeURIComponent
const UNSTABLE = '/_matrix/client/unstable/org.matrix.msc4140'
const DELAYED = `${UNSTABLE}/delayed_events`

type Json = Record<string, unknown>

const started = async (t: ExecutionContext, options: TestServerOptions) => {
  const server = await startTestServer(options)
  t.teardown(server.close)
  const [ann, bob] = [await registerPerson(server, 'ann'), await registerPerson(server, 'bob')]
  const room = await ann.createOpenRoom()
  await bob.join(room)
  return { server, ann, bob, room }
}

let transactions = 0

const delayedMessage = async (who: Person, room: string, body: string, delay: number): Promise<string> => {
  const target = `/rooms/${path(room)}/send/m.room.message/d${transactions++}?org.matrix.msc4140.delay=${delay}`
  return String((await who.put(target, { msgtype: 'm.text', body }))['delay_id'])
}

const delayedState = async (who: Person, room: string, key: string, content: Json, delay: number) => {
  const target = `/rooms/${path(room)}/state/org.example.call/${path(key)}?org.matrix.msc4140.delay=${delay}`
  return String((await who.put(target, content))['delay_id'])
}

const scheduledFor = async (who: Person): Promise<unknown[]> =>
  ((await who.get(DELAYED))['delayed_events'] as Json[]).map(({ delay_id }) => delay_id)

const messages = async (who: Person, room: string): Promise<Json[]> =>
  ((await who.get(`/rooms/${path(room)}/messages?dir=b&limit=50`))['chunk'] as Json[]).filter(
    ({ type }) => type === 'm.room.message',
  )

const texts = async (who: Person, room: string): Promise<unknown[]> =>
  (await messages(who, room)).map(({ content }) => (content as Json)['body']).toReversed()

const isFinal = (who: Person, delayId: string) =>
  eventually(
    'it is final',
    async () => (await who.get(`${DELAYED}/${delayId}`))['finalised_ts'] !== undefined,
  )

testDatabases(
  test,
  'delayed events are sent when their time has come, not before',
  async (t, _, database) => {
    const clock = new FakeClock()
    const { ann, bob, room } = await started(t, { clock, database })
    const begin = clock.now()
    const later = await delayedMessage(ann, room, 'later', 60_000)
    const soon = await delayedMessage(ann, room, 'soon', 10_000)
    const state = await delayedState(ann, room, 'ann', { left: true }, 20_000)
    t.deepEqual(await scheduledFor(ann), [soon, state, later], 'in the order of their times')
    t.deepEqual(await scheduledFor(bob), [])
    t.like(await ann.get(`${DELAYED}/${soon}`), {
      ...{ delay_id: soon, room_id: room, type: 'm.room.message', delay_ms: 10_000, scheduled_at: begin },
      content: { msgtype: 'm.text', body: 'soon' },
    })
    t.like(await ann.get(`${DELAYED}/${state}`), { state_key: 'ann' })
    t.is(await bob.code('GET', `${DELAYED}/${soon}`), '404 M_NOT_FOUND', 'nobody else may know')
    await clock.advance(9_999)
    t.deepEqual(await texts(bob, room), [])
    await clock.advance(1)
    await isFinal(ann, soon)
    await clock.advance(10_000)
    await isFinal(ann, state)
    t.deepEqual(await texts(bob, room), ['soon'])
    t.deepEqual(await bob.get(`/rooms/${path(room)}/state/org.example.call/ann`), { left: true })
    t.deepEqual(await scheduledFor(ann), [later])

    const [sent] = await messages(ann, room)
    t.like(sent, { unsigned: { 'org.matrix.msc4140.delay_id': soon } })
    const [seen] = await messages(bob, room)
    t.like(seen, { unsigned: { 'org.matrix.msc4140.delay_id': undefined } }, 'only its sender is told')
    t.like(await ann.get(`${DELAYED}/${soon}`), {
      event_id: sent?.['event_id'],
      finalised_ts: begin + 10_000,
    })
    const { finalised } = await ann.get(`${DELAYED}?status=finalised`)
    t.deepEqual(
      (finalised as Json[]).map(({ outcome, reason }) => [outcome, reason]),
      [
        ['send', 'delay'],
        ['send', 'delay'],
      ],
    )
  },
)

test('they are cancelled, put off and sent early, by every path that clients know', async t => {
  const clock = new FakeClock()
  const { ann, bob, room } = await started(t, { clock })
  const act = (who: Person, id: string, action: string): Promise<string> =>
    who.code('POST', `${DELAYED}/${id}/${action}`)
  const gone = await delayedMessage(ann, room, 'gone', 10_000)
  t.is(await act(bob, gone, 'cancel'), '404 M_NOT_FOUND')
  t.is(await act(ann, gone, 'cancel'), '200 -')
  t.is(await act(ann, gone, 'cancel'), '200 -', 'asking again does no harm')
  t.is(await act(ann, gone, 'send'), '409 M_UNKNOWN')
  t.is(await act(ann, gone, 'restart'), '409 M_UNKNOWN')
  t.is(await act(ann, 'delay_unknown', 'send'), '404 M_NOT_FOUND')

  const early = await delayedMessage(ann, room, 'early', 10_000)
  t.is(await ann.code('POST', `${DELAYED}/${early}`, { action: 'send' }), '200 -')
  t.deepEqual(await texts(bob, room), ['early'])
  t.is(await act(ann, early, 'send'), '200 -')
  t.is(await act(ann, early, 'cancel'), '409 M_UNKNOWN')
  t.is(await act(ann, early, 'restart'), '404 M_NOT_FOUND')
  t.is(await ann.code('POST', `${DELAYED}/${early}`, { action: 'sing' }), '400 M_BAD_JSON')

  const putOff = await delayedMessage(ann, room, 'put off', 10_000)
  await clock.advance(9_000)
  t.is(await act(ann, putOff, 'restart'), '200 -')
  await clock.advance(9_000)
  t.deepEqual(await texts(bob, room), ['early'])
  t.like(await ann.get(`${DELAYED}/${putOff}`), { delay_ms: 10_000, scheduled_at: clock.now() - 9_000 })
  await clock.advance(1_000)
  await isFinal(ann, putOff)
  t.deepEqual(await texts(bob, room), ['early', 'put off'])
  const { finalised } = await ann.get(DELAYED)
  t.deepEqual((finalised as Json[]).map(({ outcome, reason }) => `${outcome} ${reason}`).toSorted(), [
    'cancel action',
    'send action',
    'send delay',
  ])
  const one = await ann.get(`${DELAYED}?status=finalised&delay_id=${gone}&delay_id=other`)
  t.deepEqual((one['finalised'] as Json[]).length, 1)
})

test('what may not be sent at its time fails visibly; state is set whoever has set it since', async t => {
  const clock = new FakeClock()
  const { ann, bob, room } = await started(t, { clock })
  await ann.setState(room, 'm.room.power_levels', {
    ...(await ann.get(`/rooms/${path(room)}/state/m.room.power_levels/`)),
    events: { 'org.example.call': 0 },
  })
  const refused = await delayedMessage(bob, room, 'refused', 10_000)
  await ann.post(`/rooms/${path(room)}/ban`, { user_id: bob.userId })
  t.is(await bob.code('POST', `${DELAYED}/${refused}/send`), '403 M_FORBIDDEN')
  t.deepEqual(await scheduledFor(bob), [refused], 'it stays scheduled')
  await clock.advance(10_000)
  await isFinal(bob, refused)
  t.like(await bob.get(`${DELAYED}/${refused}`), { error: { errcode: 'M_FORBIDDEN' }, event_id: undefined })
  t.is(await bob.code('POST', `${DELAYED}/${refused}/cancel`), '200 -')

  await ann.post(`/rooms/${path(room)}/unban`, { user_id: bob.userId })
  await bob.join(room)
  const shared = await delayedState(bob, room, 'shared', { from: 'bob, late' }, 10_000)
  const own = await delayedState(bob, room, 'own', { from: 'bob, late' }, 10_000)
  await bob.setState(room, 'org.example.call', { from: 'bob' }, 'own')
  await ann.setState(room, 'org.example.call', { from: 'ann' }, 'shared')
  t.deepEqual((await scheduledFor(bob)).toSorted(), [shared, own].toSorted())
  await clock.advance(10_000)
  await isFinal(bob, shared)
  await isFinal(bob, own)
  const state = (key: string) => bob.get(`/rooms/${path(room)}/state/org.example.call/${key}`)
  const late = { from: 'bob, late' }
  t.deepEqual([await state('shared'), await state('own')], [late, late])
})

test('they survive a restart, and go out in order what was missed meanwhile', async t => {
  const clock = new FakeClock()
  const directory = temporaryDirectory(t)
  const before = await startTestServer({ clock, directory })
  const account = await before.register('ann')
  const ann = personOf(before, account)
  const room = await ann.createRoom()
  for (const [text, delay] of [
    ['third', 30_000],
    ['first', 10_000],
    ['second', 20_000],
  ] as const)
    await delayedMessage(ann, room, text, delay)
  await before.close()
  await clock.advance(25_000)
  const after = await startTestServer({ clock, directory })
  t.teardown(after.close)
  const same = personOf(after, account)
  await eventually('two are sent', async () => (await texts(same, room)).length === 2)
  t.deepEqual(await texts(same, room), ['first', 'second'])
  await eventually('it sleeps', () => clock.sleeping > 0)
  await clock.advance(5_000)
  await eventually('the last is sent', async () => (await texts(same, room)).length === 3)
})

test('bounds: how long, how many, how large; once for each transaction', async t => {
  const clock = new FakeClock()
  const settings = { delayed_events: { max_delay: '1h', max_scheduled: 2 } }
  const { server, ann, room } = await started(t, { clock, settings })
  const send = (query: string, txn: string, content: Json = {}) =>
    ann.request(
      'PUT',
      `/rooms/${path(room)}/send/org.example/${txn}?org.matrix.msc4140.delay=${query}`,
      content,
    )
  const limits = { max_delay_ms: 3_600_000, max_scheduled: 2 }
  const capabilities = (await ann.get('/capabilities'))['capabilities'] as Json
  t.like(capabilities, { 'org.matrix.msc4140.delayed_events': limits })
  t.false('m.delayed_events' in capabilities, 'no such name is specified yet')
  t.like((await ann.get('/_matrix/client/versions'))['unstable_features'], { 'org.matrix.msc4140': true })
  t.like(await send('3600001', 'a'), {
    status: 400,
    body: { errcode: 'M_UNKNOWN', 'org.matrix.msc4140.max_delay': 3_600_000 },
  })
  for (const delay of ['0', '-5', 'soon', '1.5']) {
    t.like(await send(delay, 'a'), { status: 400, body: { errcode: 'M_INVALID_PARAM' } }, delay)
  }
  t.like(await send('5000', 'a', { body: 'x'.repeat(70_000) }), { status: 413 })
  const put = `${UNSTABLE}/rooms/${path(room)}/delayed_event/org.example`
  t.is(await ann.code('PUT', `${put}/1`, { delay_ms: 3_600_001, content: {} }), '403 M_FORBIDDEN')
  t.is(await ann.code('PUT', `${put}/1`, { delay_ms: 0, content: {} }), '400 M_INVALID_PARAM')
  t.is(await ann.code('PUT', `${put}/1`, { content: {} }), '400 M_MISSING_PARAM')
  const [one, same] = await Promise.all([send('1500', 'b'), send('1500', 'b')])
  t.deepEqual(one.body, same.body)
  // As ruma writes it.
  const { delay_id: state } = await ann.put(`${put}/1`, { delay: 9_000, content: {}, state_key: 'x' })
  t.deepEqual(await ann.put(`${put}/1`, { delay_ms: 9_000, content: {}, state_key: 'x' }), {
    delay_id: state,
  })
  t.deepEqual(await scheduledFor(ann), [one.body['delay_id'], state])
  const third = await server.request(
    'PUT',
    `/_matrix/client/v3/rooms/${path(room)}/send/a/c?org.matrix.msc4140.delay=5`,
    {
      ...{ token: ann.accessToken, json: {} },
    },
  )
  t.is(third.status, 429)
  t.like(third.body, { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1500 })
  t.is(third.headers['retry-after'], '2')
  t.deepEqual(await texts(ann, room), [])
})
