import test from 'ava'
import type { MatrixError } from '../../core/errors.ts'
import { IdentityServerError, type IdentityServers } from '../../network/identity-servers.ts'
import { OutboundError } from '../../network/outbound-error.ts'
import { alice, PASSWORD, testAccounts } from '../../test-kit/accounts.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'

const ID = { medium: 'email', address: 'alice@example.org' }
const BIND = { client_secret: 'c', id_server: 'id.test', id_access_token: 't', sid: 's' }

/** Identity servers that do what they are asked for, unless `failure` is set. */
const scripted = () => {
  const script = { failure: undefined as Error | undefined, down: '', unbound: [] as string[] }
  const answer = () => {
    if (script.failure !== undefined) throw script.failure
  }
  const servers: Pick<IdentityServers, 'bind' | 'unbind'> = {
    bind: async () => {
      answer()
      return { ...ID, address: 'Alice@Example.org' }
    },
    unbind: async idServer => {
      answer()
      if (idServer === script.down) throw new OutboundError('unreachable', 'down')
      script.unbound.push(idServer)
    },
  }
  return { script, servers }
}

const matrixError = (status: number) =>
  new IdentityServerError(status, { errcode: 'M_TERMS_NOT_SIGNED', error: 'Read them', more: 1 })

testDatabases(test, 'what was bound is unbound where it was bound, once', async (t, database) => {
  const { script, servers } = scripted()
  const { accounts } = testAccounts(database, { identityServers: servers })
  await accounts.createUser({ username: 'alice', password: PASSWORD })
  const { threepids } = accounts
  t.is(await threepids.unbind(alice, ID), 'no-support', 'nobody knows where')
  t.is(await threepids.unbindAll(alice, undefined), 'success', 'there is nothing')
  for (const id_server of ['id.test', 'other.test']) await threepids.bind(alice, { ...BIND, id_server })
  await t.throwsAsync(threepids.unbind(alice, { ...ID, address: '\ud800', id_server: 'id.test' }), {
    message: /well-formed/,
  })
  t.is(await threepids.unbind(alice, { ...ID, id_server: 'id.test' }), 'success')
  t.is(await threepids.delete(alice, { ...ID, address: 'ALICE@example.org' }), 'success')
  t.deepEqual(script.unbound, ['id.test', 'other.test'])
  t.is(await threepids.delete(alice, ID), 'no-support', 'it is bound no more')

  await threepids.bind(alice, BIND)
  script.failure = matrixError(403)
  t.is(await threepids.unbindAll(alice, undefined), 'no-support')
  script.failure = undefined
  t.is(await threepids.unbindAll(alice, 'elsewhere.test'), 'success')
  t.is(script.unbound.at(-1), 'elsewhere.test')
})

testDatabases(test, 'an identity server that is down keeps no other from forgetting', async (t, database) => {
  const { script, servers } = scripted()
  const { accounts } = testAccounts(database, { identityServers: servers })
  await accounts.createUser({ username: 'alice', password: PASSWORD })
  const { threepids } = accounts
  const all = ['a.test', 'b.test', 'c.test']
  for (const id_server of all) await threepids.bind(alice, { ...BIND, id_server })
  for (const [index, down] of all.entries()) {
    script.down = down
    t.is(await threepids.unbindAll(alice, undefined), 'no-support', 'not all have')
    if (index === 0) t.deepEqual(script.unbound.toSorted(), ['b.test', 'c.test'])
    script.down = ''
    t.is(await threepids.unbindAll(alice, undefined), 'success')
    for (const id_server of all) await threepids.bind(alice, { ...BIND, id_server })
  }
})

test('errors of identity servers are passed on; what is no Matrix error means that they cannot', async t => {
  const { script, servers } = scripted()
  const { accounts } = testAccounts(await testDatabase(t), { identityServers: servers })
  const { threepids } = accounts
  const request = { ...ID, id_server: 'id.test' }
  script.failure = matrixError(403)
  const passedOn = { errcode: 'M_TERMS_NOT_SIGNED', error: 'Read them', more: 1 }
  for (const asked of [threepids.bind(alice, BIND), threepids.unbind(alice, request)]) {
    t.like(await t.throwsAsync(asked), { status: 403, body: passedOn })
  }
  // Its token is not the client's here: clients would take that for the end of their own session.
  const ended = { errcode: 'M_UNKNOWN_TOKEN', error: 'Log in again', soft_logout: false }
  script.failure = new IdentityServerError(401, ended)
  const error = await t.throwsAsync<MatrixError>(threepids.bind(alice, BIND))
  t.deepEqual(
    [error?.status, error?.body],
    [400, { errcode: 'M_UNKNOWN', error: 'The identity server refused.' }],
  )
  script.failure = new IdentityServerError(404, undefined)
  t.is(await threepids.unbind(alice, request), 'no-support')
  t.like(await t.throwsAsync(threepids.bind(alice, BIND)), { status: 502 })
  for (const [kind, errcode] of [
    ['timeout', 'M_CONNECTION_TIMEOUT'],
    ['unreachable', 'M_CONNECTION_FAILED'],
    ['denied', 'M_SERVER_NOT_TRUSTED'],
  ] as const) {
    script.failure = new OutboundError(kind, 'no')
    t.like(await t.throwsAsync(threepids.unbind(alice, request)), { errcode })
  }
})
