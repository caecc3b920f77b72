import test from 'ava'
import { type AdminAnswer, sharedAdministered } from '../../test-kit/administrator.ts'
import { testIdentity } from '../../test-kit/encryption.ts'

const { started, close } = sharedAdministered()
test.after.always(close)

const CLIENT = '/_matrix/client/v3'

test('where somebody is, whom they have invited, and what they keep here', async t => {
  const { ask, server } = await started()
  const { userId, accessToken: token } = await server.register('alice')
  const { userId: other, accessToken: theirs } = await server.register('bob')
  const make = async (invite: string[]): Promise<string> => {
    const made = await server.request('POST', `${CLIENT}/createRoom`, { token, json: { invite } })
    return (made.body as { room_id: string }).room_id
  }
  const [one, two] = [await make([other]), await make([other])]
  await server.request('POST', `${CLIENT}/join/${one}`, { token: theirs, json: {} })
  await server.request('POST', `${CLIENT}/rooms/${one}/leave`, { token: theirs, json: {} })
  const users = '/v1/users'
  t.like(await ask('GET', `${users}/${userId}/joined_rooms`), { total: 2 })
  t.deepEqual(await ask('GET', `${users}/${other}/joined_rooms`), { joined_rooms: [], total: 0 })
  t.deepEqual(await ask('GET', `${users}/${other}/memberships`), {
    memberships: { [one]: 'leave', [two]: 'invite' },
  })
  t.deepEqual(await ask('GET', `${users}/${userId}/sent_invite_count?from_ts=0`), { invite_count: 2 })
  t.deepEqual(await ask('GET', `${users}/${userId}/sent_invite_count?from_ts=9000000000000`), {
    invite_count: 0,
  })
  t.is(await ask('GET', `${users}/${userId}/sent_invite_count`), '400 M_MISSING_PARAM')
  const joined = (count: number) => ({ cumulative_joined_room_count: count })
  t.deepEqual(await ask('GET', `${users}/${userId}/cumulative_joined_room_count?from_ts=0`), joined(2))
  t.deepEqual(await ask('GET', `${users}/${other}/cumulative_joined_room_count?from_ts=0`), joined(1))

  const data = `${CLIENT}/user/${userId}`
  await server.request('PUT', `${data}/account_data/org.example`, { token, json: { a: 1 } })
  await server.request('PUT', `${data}/rooms/${one}/account_data/org.example`, { token, json: { b: 2 } })
  t.deepEqual(await ask('GET', `${users}/${userId}/accountdata`), {
    account_data: { global: { 'org.example': { a: 1 } }, rooms: { [one]: { 'org.example': { b: 2 } } } },
  })
  t.is(await ask('GET', `${users}/@nobody:localhost/accountdata`), '404 M_NOT_FOUND')
  t.like(await ask('GET', `/v1/whois/${userId}`), { user_id: userId })
})

test('pushers are told with the devices that set them', async t => {
  const { ask, server } = await started()
  const { userId, deviceId, accessToken: token } = await server.register('carol')
  const pusher = {
    ...{ app_id: 'org.example', pushkey: 'key', kind: 'http', lang: 'en' },
    ...{ app_display_name: 'App', device_display_name: 'Phone' },
    data: { url: 'https://push.example.org/_matrix/push/v1/notify' },
  }
  await server.request('POST', `${CLIENT}/pushers/set`, { token, json: pusher })
  t.deepEqual(await ask('GET', `/v1/users/${userId}/pushers`), {
    pushers: [{ ...pusher, profile_tag: '', enabled: true, device_id: deviceId }],
    total: 1,
  })
})

test('users are found by their addresses', async t => {
  const { ask, server } = await started()
  const { userId } = await server.register('dora')
  await ask('PUT', `/v2/users/${userId}`, { threepids: [{ medium: 'email', address: 'dora@example.org' }] })
  t.deepEqual(await ask('GET', '/v1/threepid/email/users/Dora@example.org'), { user_id: userId })
  t.is(await ask('GET', '/v1/threepid/email/users/nobody@example.org'), '404 M_NOT_FOUND')
  t.is(await ask('GET', '/v1/auth_providers/oidc/users/dora'), '404 M_NOT_FOUND')
})

test('an identity may be replaced without a password where an administrator says so', async t => {
  const { ask, server } = await started()
  const { userId, accessToken: token } = await server.register('eve')
  const path = `/v1/users/${userId}/_allow_cross_signing_replacement_without_uia`
  t.is(await ask('POST', path), '404 M_NOT_FOUND')
  const replace = async (): Promise<number> => {
    const json = testIdentity(userId).upload
    return (await server.request('POST', `${CLIENT}/keys/device_signing/upload`, { token, json })).status
  }
  t.deepEqual([await replace(), await replace()], [200, 401])
  const until = ((await ask('POST', path)) as AdminAnswer)['updatable_without_uia_before_ms']
  t.true(Number(until) > Date.now())
  t.deepEqual([await replace(), await replace()], [200, 401])
})

test('there are no features to switch for users, and nothing is ever brought up to date in the background', async t => {
  const { ask, server } = await started()
  const { userId } = await server.register('frank')
  const path = `/v1/experimental_features/${userId}`
  t.deepEqual(await ask('GET', path), { features: {} })
  t.is(await ask('PUT', path, { features: { msc3881: true } }), '400 M_INVALID_PARAM')
  t.deepEqual(await ask('GET', '/v1/background_updates/status'), { enabled: true, current_updates: {} })
  t.deepEqual(await ask('GET', '/v1/background_updates/enabled'), { enabled: true })
})

test('tools that list somebody’s rooms get the names of rooms that their administrator is not in', async t => {
  const { root, server } = await started()
  const { accessToken: token } = await server.register('rosa')
  const { accessToken: strange } = await server.register('rolf')
  const json = { room_alias_name: 'doras' }
  const made = await server.request('POST', `${CLIENT}/createRoom`, { token, json })
  const aliases = `${CLIENT}/rooms/${(made.body as { room_id: string }).room_id}/aliases`
  t.like(await server.request('GET', aliases, { token: root.accessToken }), {
    status: 200,
    body: { aliases: ['#doras:localhost'] },
  })
  t.is((await server.request('GET', aliases, { token: strange })).status, 403)
})
