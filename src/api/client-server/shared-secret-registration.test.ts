import { createHmac } from 'node:crypto'
import test from 'ava'
import { alice, bodyOf, openAccounts as open, PASSWORD } from '../../test-kit/accounts.ts'
import { codeOf } from '../../test-kit/http.ts'

test('register_new_matrix_user works with the shared secret, and with nothing less', async t => {
  const secret = 'it is a secret'
  // A script makes many accounts, and each takes two requests: strangers cannot make one, so that their limit is not for this.
  const rateLimits = { register: { perSecond: 0.001, burst: 1 } }
  const { accounts, clock, server } = await open(t, { registration: { sharedSecret: secret }, rateLimits })
  const PATH = '/_synapse/admin/v1/register'
  const nonceOf = async () => String(bodyOf(await server.request('GET', PATH))['nonce'])
  const register = async (fields: Record<string, unknown>, key = secret, wait = 0) => {
    const nonce = String(fields['nonce'] ?? (await nonceOf()))
    await clock.advance(wait)
    const full: Record<string, unknown> = {
      username: 'alice',
      password: PASSWORD,
      admin: false,
      ...fields,
      nonce,
    }
    const parts = [nonce, full['username'], full['password'], full['admin'] === true ? 'admin' : 'notadmin']
    if (typeof full['user_type'] === 'string') parts.push(full['user_type'])
    const mac = createHmac('sha1', key).update(parts.map(String).join('\0')).digest('hex')
    return server.request('POST', PATH, { json: { mac, ...full } })
  }
  const nonce = await nonceOf()
  const made = await register({ nonce, admin: true, displayname: 'Alice A.' })
  t.is(made.status, 200)
  t.like(await accounts.authenticate(bodyOf(made).access_token), { userId: alice, isAdmin: true })
  t.is((await accounts.profiles.memberProfile(alice)).displayname, 'Alice A.')
  t.is(codeOf(await register({ nonce, username: 'bob' })), '400 M_UNKNOWN', 'a nonce works once')
  t.is(codeOf(await register({ username: 'bob' }, secret, 60_000)), '400 M_UNKNOWN', 'and for a minute')
  t.is(codeOf(await register({ username: 'bob' }, 'a guess')), '403 M_FORBIDDEN')
  const spoilt = await nonceOf()
  t.is(codeOf(await register({ nonce: spoilt, username: 'bob', mac: 'beef' })), '403 M_FORBIDDEN')
  t.is(codeOf(await register({ nonce: spoilt, username: 'bob' })), '400 M_UNKNOWN', 'a failure uses it up')
  t.is(codeOf(await register({ username: 'bob\0x' })), '400 M_INVALID_PARAM')
  t.is(codeOf(await register({})), '400 M_USER_IN_USE')
  t.is(codeOf(await register({ username: 'bob', user_type: 'robot' })), '400 M_INVALID_PARAM')
  t.is(codeOf(await register({ username: 'bob', displayname: 'b'.repeat(257) })), '400 M_INVALID_PARAM')
  t.is((await register({ username: 'bob', user_type: 'bot' })).status, 200)
  t.is((await accounts.administered.one('@bob:tessera.test')).userType, 'bot')
  t.is(await accounts.count(), 2)
})

test('it logs in also where nobody signs in with a password', async t => {
  const secret = 'it is a secret'
  const { accounts, server } = await open(t, {
    registration: { sharedSecret: secret },
    sessions: { passwords: false },
  })
  const PATH = '/_synapse/admin/v1/register'
  const { nonce } = bodyOf(await server.request('GET', PATH))
  const mac = createHmac('sha1', secret).update(`${nonce}\0alice\0${PASSWORD}\0notadmin`).digest('hex')
  const json = { nonce, mac, username: 'alice', password: PASSWORD, admin: false }
  const { access_token: token } = bodyOf(await server.request('POST', PATH, { json }))
  t.like(await accounts.authenticate(token), { userId: alice })
})

test('without a shared secret that way is closed', async t => {
  const { server } = await open(t, {})
  const PATH = '/_synapse/admin/v1/register'
  t.is(codeOf(await server.request('GET', PATH)), '403 M_FORBIDDEN')
  const json = { nonce: 'x', username: 'a', password: PASSWORD, mac: '0' }
  t.is(codeOf(await server.request('POST', PATH, { json })), '403 M_FORBIDDEN')
})
