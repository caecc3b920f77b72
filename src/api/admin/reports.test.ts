import test from 'ava'
import { DESTINATION_ORDERS } from '../../storage/federation/destinations.ts'
import { OutboxWriter } from '../../storage/federation/outbox-writer.ts'
import { type AdminBody, administeredPeople } from '../../test-kit/administered-people.ts'
import { testDatabases } from '../../test-kit/database.ts'

const path = encodeURIComponent

testDatabases(test, 'reports are listed and put away, and users are written to', async (t, _, database) => {
  const settings = { server_notices: { localpart: 'notices' } }
  const { ask, code, root, ann, bob } = await administeredPeople(t, database, settings)
  const room = await ann.createOpenRoom({ name: 'Room' })
  await bob.join(room)
  const events = [await ann.say(room, 'one'), await ann.say(room, 'two')]
  for (const event of events) await bob.post(`/rooms/${path(room)}/report/${path(event)}`, { reason: 'bad' })
  await bob.post(`/users/${path(ann.userId)}/report`, { reason: 'rude' })

  const list = async (query: string) => ask('GET', `/v1/event_reports?${query}`)
  const all = await list('')
  const [newest, oldest] = all['event_reports'] as AdminBody[]
  t.is(all['total'], 2)
  t.like(newest, {
    ...{ room_id: room, event_id: events[1], user_id: bob.userId, sender: ann.userId, reason: 'bad' },
    ...{ score: null, name: 'Room', canonical_alias: null },
  })
  t.deepEqual((await list('dir=f'))['event_reports'], [oldest, newest])
  t.like(await list('limit=1'), { event_reports: [newest], total: 2, next_token: 1 })
  t.deepEqual((await list('limit=1&from=1'))['event_reports'], [oldest])
  t.is((await list(`user_id=bob&room_id=!&event_sender_user_id=${path(ann.userId)}`))['total'], 2)
  for (const query of ['user_id=ann', 'room_id=none', 'event_sender_user_id=ann'])
    t.deepEqual(await list(query), { event_reports: [], total: 0 }, query)
  const one = `/v1/event_reports/${String(newest?.['id'])}`
  t.like(await ask('GET', one), { ...newest, event_json: { content: { body: 'two' } } })
  const { user_reports: ofUsers } = await ask('GET', '/v1/user_reports?target_user_id=ann')
  const [report] = ofUsers as AdminBody[]
  t.like(report, { target_user_id: ann.userId, user_id: bob.userId, reason: 'rude' })
  const ofUser = `/v1/user_reports/${String(report?.['id'])}`
  t.deepEqual(await ask('GET', ofUser), report)
  t.is(
    await code('GET', `/v1/event_reports/${String(report?.['id'])}`),
    '404 M_NOT_FOUND',
    'it is none of an event',
  )
  t.is(await code('GET', '/v1/event_reports/x'), '400 M_INVALID_PARAM')
  for (const each of [one, ofUser]) {
    t.deepEqual(await ask('DELETE', each), {})
    t.is(await code('DELETE', each), '404 M_NOT_FOUND')
  }
  t.is((await list(''))['total'], 1)

  const notice = { user_id: bob.userId, content: { msgtype: 'm.text', body: 'Hello' } }
  const sent = await ask('PUT', '/v1/send_server_notice/1', notice)
  t.deepEqual(await ask('PUT', '/v1/send_server_notice/1', notice), sent)
  t.notDeepEqual(await ask('POST', '/v1/send_server_notice', notice), sent)
  const { rooms } = (await bob.get('/sync')) as { rooms: { invite: Record<string, unknown> } }
  const [invited = ''] = Object.keys(rooms.invite)
  await bob.join(invited)
  t.like(await bob.get(`/rooms/${path(invited)}/event/${path(String(sent['event_id']))}`), {
    ...{ sender: '@notices:localhost', content: notice.content },
  })
  t.is(
    await code('POST', '/v1/send_server_notice', { ...notice, user_id: '@none:localhost' }),
    '404 M_NOT_FOUND',
  )
  t.is(
    await code('POST', '/v1/send_server_notice', { ...notice, user_id: '@a:elsewhere.test' }),
    '400 M_INVALID_PARAM',
  )
  t.is(await root.code('GET', '/account/whoami'), '200 -')
})

testDatabases(test, 'servers that are written to are listed', async (t, database, config) => {
  const { ask, code } = await administeredPeople(t, config)
  t.deepEqual(await ask('GET', '/v1/federation/destinations'), { destinations: [], total: 0 })
  const write = new OutboxWriter(database)
  const failed = { server: 'b.test', failures: 3, firstFailedAt: 1_000, lastFailedAt: 5_000, retryAt: 9_000 }
  await database.commit({ statements: [write.failed(failed)] })
  await database.commit({
    statements: write.acknowledged('a.test', { rooms: new Map([[1, 7]]), edus: [], now: 1 }),
  })
  const failing = {
    ...{ destination: 'b.test', retry_last_ts: 5_000, retry_interval: 4_000, failure_ts: 1_000 },
    last_successful_stream_ordering: null,
  }
  const answering = {
    ...{ destination: 'a.test', retry_last_ts: 0, retry_interval: 0, failure_ts: null },
    last_successful_stream_ordering: 7,
  }
  for (const order of Object.keys(DESTINATION_ORDERS)) {
    const list = `/v1/federation/destinations?order_by=${order}`
    t.is((await ask('GET', `${list}&dir=b`))['total'], 2, order)
    t.is(((await ask('GET', list))['destinations'] as AdminBody[]).length, 2, order)
  }
  t.deepEqual(await ask('GET', '/v1/federation/destinations?limit=1'), {
    ...{ destinations: [answering], total: 2, next_token: '1' },
  })
  t.deepEqual(await ask('GET', '/v1/federation/destinations?destination=B.'), {
    destinations: [failing],
    total: 1,
  })
  t.deepEqual(await ask('GET', '/v1/federation/destinations/b.test'), failing)
  t.deepEqual(await ask('GET', '/v1/federation/destinations/b.test/rooms'), { rooms: [], total: 0 })
  t.deepEqual(await ask('POST', '/v1/federation/destinations/b.test/reset_connection', {}), {})
  t.is(await code('POST', '/v1/federation/destinations/a.test/reset_connection', {}), '400 M_UNKNOWN')
  for (const rest of ['', '/rooms'])
    t.is(await code('GET', `/v1/federation/destinations/c.test${rest}`), '404 M_NOT_FOUND')
})
