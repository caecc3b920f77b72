import test from 'ava'
import { type AdminAnswer, sharedAdministered } from '../../test-kit/administrator.ts'
import { eventually } from '../../test-kit/eventually.ts'

const { started, close } = sharedAdministered()
test.after.always(close)

const CLIENT = '/_matrix/client/v3'

test('what a user has said is redacted in the background, as far as somebody may', async t => {
  const { ask, server, root } = await started()
  const { userId, accessToken: token } = await server.register('spammer')
  const { accessToken: owner } = await server.register('owner')
  const call = async (method: string, path: string, json?: object, by = token): Promise<AdminAnswer> => {
    const body = json === undefined ? {} : { json }
    return (await server.request(method, `${CLIENT}${path}`, { token: by, ...body })).body as AdminAnswer
  }
  const makeRoom = async (): Promise<string> => {
    const room = String((await call('POST', '/createRoom', { preset: 'public_chat' }, owner))['room_id'])
    await call('POST', `/join/${room}`, {})
    return room
  }
  let sent = 0
  const say = async (room: string): Promise<string> => {
    const content = { msgtype: 'm.text', body: 'Spam' }
    return String((await call('PUT', `/rooms/${room}/send/m.room.message/${sent++}`, content))['event_id'])
  }
  const isRedacted = async (room: string, eventId: string): Promise<boolean> => {
    const { content } = await call('GET', `/rooms/${room}/event/${eventId}`, undefined, owner)
    return Object.keys(content as object).length === 0
  }
  const [here, banned] = [await makeRoom(), await makeRoom()]
  const [first, second, third] = [await say(here), await say(here), await say(banned)]
  await call('POST', `/rooms/${banned}/ban`, { user_id: userId }, owner)

  const path = `/v1/user/${userId}/redact`
  const over = async (json: object): Promise<AdminAnswer> => {
    const begun = (await ask('POST', path, json)) as AdminAnswer
    let status: AdminAnswer = {}
    await eventually('the redaction', async () => {
      status = (await ask('GET', `/v1/user/redact_status/${String(begun['redact_id'])}`)) as AdminAnswer
      return status['status'] === 'complete' || status['status'] === 'failed'
    })
    return status
  }
  t.is(await ask('POST', path, {}), '400 M_MISSING_PARAM')
  t.is(await ask('POST', path, { rooms: [], limit: 0 }), '400 M_INVALID_PARAM')
  t.is(await ask('GET', '/v1/user/redact_status/none'), '404 M_NOT_FOUND')
  t.deepEqual(await over({ rooms: [here], limit: 1 }), { status: 'complete', failed_redactions: {} })
  t.deepEqual(
    [await isRedacted(here, first), await isRedacted(here, second)],
    [false, true],
    'the newest first',
  )
  t.deepEqual(await over({ rooms: [here], before_ts: 1 }), { status: 'complete', failed_redactions: {} })
  t.false(await isRedacted(here, first))

  const { failed_redactions: failed } = await over({ rooms: [], reason: 'Spam' })
  t.true(await isRedacted(here, first))
  t.true(String((failed as AdminAnswer)[third]).length > 0, 'nobody is there who could')
  t.false(await isRedacted(banned, third))
  await call('POST', `/join/${banned}`, {}, root.accessToken)
  t.deepEqual(await over({ rooms: [banned], use_admin: true }), { status: 'complete', failed_redactions: {} })
  t.true(await isRedacted(banned, third))
})

test('what a user has uploaded is listed and deleted', async t => {
  const { ask, server } = await started()
  const { userId, accessToken: token } = await server.register('uploader')
  const upload = (name: string, body: string) =>
    server.request('POST', `/_matrix/media/v3/upload?filename=${name}`, {
      token,
      body,
      headers: { 'content-type': 'text/plain' },
    })
  for (const [name, body] of [
    ['a', '1'],
    ['b', '333'],
    ['c', '22'],
  ] as const)
    await upload(name, body)
  const path = `/v1/users/${userId}/media`
  const names = (answer: AdminAnswer | string): unknown[] =>
    ((answer as AdminAnswer)['media'] as { upload_name: string }[]).map(each => each.upload_name)
  const all = await ask('GET', path)
  t.like(all, { total: 3, media: [{ media_type: 'text/plain', quarantined_by: null, user_id: userId }] })
  t.deepEqual(names(await ask('GET', `${path}?order_by=media_length`)), ['a', 'c', 'b'])
  const page = await ask('GET', `${path}?order_by=media_length&dir=b&limit=1&from=1`)
  t.deepEqual([names(page), (page as AdminAnswer)['next_token']], [['c'], 2])
  t.like(await ask('DELETE', `${path}?order_by=media_length&dir=b&limit=1`), { total: 1 })
  t.deepEqual(names(await ask('GET', `${path}?order_by=media_length`)), ['a', 'c'])
  t.like(await ask('DELETE', path), { total: 2 })
  t.like(await ask('GET', path), { total: 0, media: [] })
  t.is(await ask('GET', '/v1/users/@nobody:localhost/media'), '404 M_NOT_FOUND')
})
