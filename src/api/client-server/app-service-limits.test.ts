import test from 'ava'
import { registrations } from '../../test-kit/app-service.ts'
import { GHOST, registerGhost, registration, startWorld } from '../../test-kit/app-service-world.ts'

const one = { per_second: 0.01, burst: 1 }

test('a service makes and logs in as many users as it has, whatever others may do from its address', async t => {
  const buckets = { ip: { per_second: 0.01, burst: 8 }, register: one, login: one }
  const directory = registrations(t, registration('http://127.0.0.1:1'))
  const settings = { application_services: { directory }, rate_limits: { enabled: true, buckets } }
  const world = await startWorld(t, { settings })
  for (const name of ['_irc_1', '_irc_2', '_irc_3']) {
    t.is((await registerGhost(world, name)).status, 200, name)
    const login = { type: 'm.login.application_service', identifier: { type: 'm.id.user', user: name } }
    t.is((await world.act('POST', '/login', login)).status, 200, name)
  }
  await registerGhost(world)
  for (let nr = 0; nr < 10; nr++)
    t.is((await world.act('GET', '/account/whoami', undefined, GHOST)).status, 200)
  const person = { username: 'bob', password: 'a long enough password', auth: { type: 'm.login.dummy' } }
  t.is((await world.server.request('POST', '/_matrix/client/v3/register', { json: person })).status, 429)
})
