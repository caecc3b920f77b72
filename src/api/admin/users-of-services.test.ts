import test from 'ava'
import { startAdministered } from '../../test-kit/administrator.ts'
import { registrations } from '../../test-kit/app-service.ts'

const service = (id: string, users: object): object => ({
  ...{ id, url: null, as_token: `as-${id}`, hs_token: `hs-${id}`, sender_localpart: id },
  namespaces: { users: [users] },
})

test('whose users belong to a service is told, not for whom one may act as well', async t => {
  const everybody = service('puppets', { exclusive: false, regex: '@.*:localhost' })
  const directory = registrations(
    t,
    everybody,
    service('irc', { exclusive: true, regex: '@_irc_.*:localhost' }),
  )
  const { server, ask } = await startAdministered({ settings: { application_services: { directory } } })
  t.teardown(server.close)
  const json = { type: 'm.login.application_service', username: '_irc_ghost', inhibit_login: true }
  await server.request('POST', '/_matrix/client/v3/register', { token: 'as-irc', json })
  for (const [name, owner] of [
    ['root', null],
    ['_irc_ghost', 'irc'],
    ['puppets', 'puppets'],
  ] as const)
    t.like(await ask('GET', `/v2/users/@${name}:localhost`), { appservice_id: owner }, name)
})
