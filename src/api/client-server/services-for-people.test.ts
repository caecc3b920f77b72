import test from 'ava'
import { registerAdmin } from '../../test-kit/admin.ts'
import { registrations } from '../../test-kit/app-service.ts'
import {
  GHOST,
  type Json,
  registerGhost,
  registration,
  startWorld,
} from '../../test-kit/app-service-world.ts'
import { TEST_PASSWORD } from '../../test-kit/server.ts'

test('a service that acts for people, too, takes no account from them', async t => {
  const directory = registrations(t, {
    ...registration('http://localhost:1'),
    namespaces: { users: [{ exclusive: false, regex: '@.*:localhost' }], aliases: [], rooms: [] },
  })
  const world = await startWorld(t, {
    settings: {
      application_services: { directory },
      registration: { mode: 'open', shared_secret: 'shared' },
    },
  })
  const { act, alice, server } = world
  await registerGhost(world)
  const newPassword = { new_password: 'another long password' }
  const requests: [path: string, json: Json][] = [
    ['/account/password', newPassword],
    ['/account/deactivate', {}],
    ['/account/3pid/add', { client_secret: 'secret', sid: '1' }],
    ['/_matrix/client/v1/login/get_token', {}],
  ]
  for (const [path, json] of requests) {
    const { status, body } = await act('POST', path, json, alice.userId)
    t.is(status, 401, path)
    t.deepEqual(body['flows'], [{ stages: ['m.login.password'] }], path)
  }
  t.is((await act('POST', '/account/password', newPassword, GHOST)).status, 200, 'nobody signs in as it')
  const mailing = '@_irc_mailing:localhost'
  await registerGhost(world, '_irc_mailing')
  const admin = await registerAdmin(server, 'root', 'shared')
  const mailed = await server.request('PUT', `/_synapse/admin/v2/users/${mailing}`, {
    token: admin.accessToken,
    json: { threepids: [{ medium: 'email', address: 'somebody@example.org' }] },
  })
  t.is(mailed.status, 200)
  t.is(
    (await act('POST', '/account/deactivate', {}, mailing)).status,
    401,
    'somebody gets a password by e-mail',
  )

  const device = await server.login('alice')
  t.is((await act('POST', '/delete_devices', { devices: [device.deviceId] }, alice.userId)).status, 200)
  t.is((await act('DELETE', `/devices/${device.deviceId}`, {}, alice.userId)).status, 200)
  const auth = { type: 'm.login.password', user: 'alice', password: TEST_PASSWORD }
  t.is((await act('POST', '/account/password', { ...newPassword, auth }, alice.userId)).status, 200)
})
