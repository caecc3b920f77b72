import test from 'ava'
import { startTestServer } from '../../test-kit/server.ts'

test('large state is sent as it is made, and not beside what was searched for', async t => {
  const server = await startTestServer({ settings: { rate_limits: { enabled: false } } })
  t.teardown(server.close)
  const { accessToken: token } = await server.register('alice')
  const call = async (method: string, path: string, json?: object) =>
    server.request(method, `/_matrix/client/v3${path}`, { token, ...(json === undefined ? {} : { json }) })
  const makeRoom = async (): Promise<string> => {
    const { body } = await call('POST', '/createRoom', {})
    const { room_id: roomId } = body as { room_id: string }
    await call('PUT', `/rooms/${roomId}/send/m.room.message/1`, { msgtype: 'm.text', body: 'tulip' })
    return roomId
  }
  const [small, large] = [await makeRoom(), await makeRoom()]
  for (let n = 0; n < 145; n++)
    await call('PUT', `/rooms/${large}/state/x.large/${n}`, { text: 'x'.repeat(60_000) })
  const idsOf = (events: unknown) =>
    (events as { event_id: string }[]).map(event => event.event_id).toSorted()

  for (const [roomId, isLarge] of [
    [small, false],
    [large, true],
  ] as const) {
    const state = await call('GET', `/rooms/${roomId}/state`)
    t.is(state.headers['content-length'] === undefined, isLarge, 'in pieces')
    t.is(
      (state.body as { type: string }[]).filter(({ type }) => type === 'x.large').length,
      isLarge ? 145 : 0,
    )
    const snapshot = await call('GET', `/rooms/${roomId}/initialSync`)
    t.is(snapshot.headers['content-length'] === undefined, isLarge)
    t.deepEqual(idsOf((snapshot.body as { state: unknown }).state), idsOf(state.body))
  }
  const all = (await call('GET', '/initialSync')).body as { rooms: { room_id: string }[] }
  t.deepEqual(all.rooms.map(room => room.room_id).sort(), [small, large].sort())

  const criteria = { search_term: 'tulip', include_state: true }
  const { body } = await call('POST', '/search', { search_categories: { room_events: criteria } })
  const found = (body as { search_categories: { room_events: { count: number; state: object } } })
    .search_categories
  t.is(found.room_events.count, 2)
  t.deepEqual(Object.keys(found.room_events.state), [small])
})
