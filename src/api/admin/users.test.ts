import test from 'ava'
import { registerAdmin } from '../../test-kit/admin.ts'
import { codeOf } from '../../test-kit/http.ts'
import { type RunningTestServer, startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'

const SECRET = 'shared'
const ADMIN = '/_synapse/admin'

/** What the tests read of answers. */
type Body = Record<string, unknown> & { readonly users: readonly { readonly name: string }[] }

interface World {
  readonly server: RunningTestServer
  /** Asks as the administrator; answers the status and code where there is one, else the body. */
  readonly ask: (method: string, path: string, json?: object) => Promise<Body | string>
}

let world: Promise<World> | undefined

const open = async (): Promise<World> => {
  const server = await startTestServer({
    settings: { registration: { mode: 'open', shared_secret: SECRET } },
  })
  const { accessToken: token } = await registerAdmin(server, 'root', SECRET)
  return {
    server,
    ask: async (method, path, json) => {
      const answer = await server.request(method, `${ADMIN}${path}`, { token, ...(json && { json }) })
      return answer.status >= 400 ? codeOf(answer) : (answer.body as Body)
    },
  }
}

const started = (): Promise<World> => {
  world ??= open()
  return world
}

test.after.always(async () => (await world)?.server.close())

const namesOf = (body: Body | string): string[] =>
  typeof body === 'string' ? [body] : body.users.map(({ name }) => name)

test('accounts are made, changed and listed', async t => {
  const { ask, server } = await started()
  const path = '/v2/users/@lister:localhost'
  t.is(await ask('GET', path), '404 M_NOT_FOUND')
  t.is(await ask('GET', '/v2/users/@a:elsewhere.test'), '400 M_INVALID_PARAM')
  const made = await ask('PUT', path, {
    password: TEST_PASSWORD,
    displayname: 'Lister',
    user_type: 'bot',
    threepids: [{ medium: 'email', address: 'lister@example.org' }],
    external_ids: [],
  })
  t.like(made, {
    name: '@lister:localhost',
    displayname: 'Lister',
    avatar_url: null,
    user_type: 'bot',
    threepids: [{ medium: 'email', address: 'lister@example.org' }],
    admin: false,
    deactivated: false,
  })
  await server.login('lister')
  t.like(await ask('PUT', path, { locked: true, displayname: '' }), { locked: true, displayname: null })
  t.is(await ask('PUT', path, { admin: 'yes' }), '400 M_BAD_JSON')
  t.deepEqual(namesOf(await ask('GET', '/v2/users?user_id=lister')), [])
  t.deepEqual(namesOf(await ask('GET', '/v2/users?user_id=lister&locked=true')), ['@lister:localhost'])
  await ask('PUT', path, { locked: false, deactivated: true })
  t.deepEqual(namesOf(await ask('GET', '/v2/users?name=lister')), [])
  t.deepEqual(namesOf(await ask('GET', '/v2/users?name=lister&deactivated=true')), ['@lister:localhost'])
  t.deepEqual(namesOf(await ask('GET', '/v3/users?name=lister')), ['@lister:localhost'])
  t.deepEqual(namesOf(await ask('GET', '/v3/users?name=lister&deactivated=false')), [])
  t.deepEqual(namesOf(await ask('GET', '/v3/users?deactivated=true')), ['@lister:localhost'])
  t.deepEqual(namesOf(await ask('GET', '/v3/users?name=lister&not_user_type=bot&not_user_type=')), [])
  t.is(await ask('GET', '/v2/users?order_by=shoe_size'), '400 M_INVALID_PARAM')
  t.is(await ask('GET', '/v2/users?from=-1'), '400 M_INVALID_PARAM')
  const page = await ask('GET', '/v3/users?limit=1&dir=b&order_by=creation_ts&guests=false')
  t.like(page, { next_token: '1' })
})
