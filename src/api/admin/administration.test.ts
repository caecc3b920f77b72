import test from 'ava'
import type { Log } from '../../core/log.ts'
import { silentLog } from '../../core/log.ts'
import { registerAdmin } from '../../test-kit/admin.ts'
import { codeOf } from '../../test-kit/http.ts'
import { startTestServer } from '../../test-kit/server.ts'

const SECRET = 'shared'

test('only the token of an administrator opens it, and what they change is noted', async t => {
  const notes: object[] = []
  const log: Log = {
    ...silentLog,
    info: (fields, message) => void (message === 'administration' && notes.push(fields)),
  }
  const server = await startTestServer({
    log,
    settings: { registration: { mode: 'open', shared_secret: SECRET } },
  })
  t.teardown(server.close)
  const alice = await server.register('alice')
  const admin = await registerAdmin(server, 'root', SECRET)
  const path = '/_synapse/admin/v1/username_available?username=nobody'
  const asked = await server.request('GET', path)
  t.is(codeOf(asked), '401 M_MISSING_TOKEN')
  t.is(asked.headers['access-control-allow-origin'], '*')
  t.is(codeOf(await server.request('GET', path, { token: 'wrong' })), '401 M_UNKNOWN_TOKEN')
  t.is(codeOf(await server.request('GET', path, { token: alice.accessToken })), '403 M_FORBIDDEN')
  t.deepEqual((await server.request('GET', path, { token: admin.accessToken })).body, { available: true })
  const taken = await server.request('GET', path.replace('nobody', 'alice'), { token: admin.accessToken })
  t.is(codeOf(taken), '400 M_USER_IN_USE')
  const version = await server.request('GET', '/_synapse/admin/v1/server_version')
  t.regex((version.body as { server_version: string }).server_version, /^Tessera /)
  t.deepEqual(notes, [], 'nothing was changed')

  const json = { displayname: 'Alice', password: 'nobody may know this' }
  const user = `/_synapse/admin/v2/users/${alice.userId}`
  t.is((await server.request('PUT', user, { token: admin.accessToken, json })).status, 200)
  const told = { by: admin.userId, operation: 'adminPutUser', userId: alice.userId }
  t.like(notes, [{ ...told, members: ['displayname', 'password'] }])
  t.notRegex(JSON.stringify(notes), /nobody may know/)
  await server.request('DELETE', '/_synapse/admin/v1/registration_tokens/secret', {
    token: admin.accessToken,
  })
  t.is(notes.length, 1, 'what was refused has changed nothing')
})

test('where it is switched off, it is as if there were none', async t => {
  const server = await startTestServer({
    settings: {
      registration: { mode: 'open', shared_secret: SECRET },
      listeners: [{ port: 0, host: '127.0.0.1', admin_api: false }],
    },
  })
  t.teardown(server.close)
  const { accessToken: token } = await registerAdmin(server, 'root', SECRET)
  for (const method of ['GET', 'POST']) {
    const answer = await server.request(method, '/_synapse/admin/v1/username_available?username=a', { token })
    t.is(codeOf(answer), '404 M_UNRECOGNIZED', method)
  }
})
