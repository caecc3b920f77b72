import { randomUUID } from 'node:crypto'
import test from 'ava'
import { logIn } from '../../test-kit/accounts.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { scopeOf } from '../../test-kit/oauth.ts'
import { openWithProvider } from '../../test-kit/provider-world.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }

testDatabases(test, 'who signs out at a provider is signed out here', async (t, database) => {
  const world = await openWithProvider(t, { database, settings: { linkByName: true } })
  const { provider, server, accounts, browser, signIn, whoIs, whoAmI, clock } = world
  const { authorizePath, exchange, form, clientId, token } = world
  const url = `${server.url}/oauth2/backchannel-logout/company`
  const logOut = async (claims: object, id = url) => {
    const now = Math.floor(Date.now() / 1000)
    const logoutToken = provider.token({
      ...{ iss: provider.url, aud: 'tessera', iat: now, exp: now + 60, jti: randomUUID(), events: EVENTS },
      ...claims,
    })
    const answer = await fetch(id, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: logoutToken }),
    })
    return answer.status
  }
  /** Alice signs in at a browser, and gives a session to a client, and another one by a login token. */
  const begin = async (sid: string) => {
    provider.person = { sub: 'a', preferred_username: 'alice', sid }
    const alice = browser()
    const path = authorizePath({ scope: `urn:matrix:client:api:* urn:matrix:client:device:${sid}` })
    await signIn(alice, path)
    await alice.get(path)
    const { location } = await alice.post(path, { do: 'allow' })
    const code = new URLSearchParams(location?.hash.slice(1)).get('code') ?? ''
    const access = String((await exchange(code)).body['access_token'])
    const sso = '/oauth2/sso?redirectUrl=https://tea.example/'
    await alice.get(sso)
    const allowed = await alice.post(sso, { do: 'allow' })
    const login = allowed.location?.searchParams.get('loginToken') ?? ''
    const { access_token: other } = await accounts.login.login({ type: 'm.login.token', token: login })
    return async () => [await whoIs(alice), (await whoAmI(access)).status, (await whoAmI(other)).status]
  }
  /** Alice signs in, and grants a code, a login token and a device what none of them has fetched yet. */
  const grant = async (sid: string) => {
    provider.person = { sub: 'a', preferred_username: 'alice', sid }
    const alice = browser()
    const path = authorizePath({ scope: scopeOf(sid) })
    await signIn(alice, path)
    await alice.get(path)
    const { location } = await alice.post(path, { do: 'allow' })
    const code = new URLSearchParams(location?.hash.slice(1)).get('code') ?? ''
    const waiting = await form('/oauth2/device', { client_id: clientId, scope: scopeOf(`${sid}-TV`) })
    const link = `/link?user_code=${waiting.body['user_code']}`
    await alice.get(link)
    await alice.post(link, { do: 'allow' })
    const sso = '/oauth2/sso?redirectUrl=https://tea.example/'
    await alice.get(sso)
    const allowed = await alice.post(sso, { do: 'allow' })
    const login = allowed.location?.searchParams.get('loginToken') ?? ''
    await alice.post('/account', { do: 'sign-out' })
    return async () => [
      (await exchange(code)).status,
      (await token({ grant_type: DEVICE_GRANT, device_code: String(waiting.body['device_code']) })).status,
      await accounts.login.login({ type: 'm.login.token', token: login }).then(
        () => 200,
        ({ status }) => status,
      ),
    ]
  }
  const open = ['@alice:tessera.test', 200, 200]
  const ended = [undefined, 401, 401]
  const [first, second, third] = [await begin('ONE'), await begin('TWO'), await begin('THREE')]
  const own = await logIn(accounts)

  for (const [claims, why] of [
    [{ sid: 'ONE', aud: 'somebody else' }, 'for another'],
    [{ sid: 'ONE', iss: 'https://elsewhere.example' }, 'of another'],
    [{ sid: 'ONE', iat: 1, exp: 2 }, 'old'],
    [{ sid: 'ONE', nonce: 'x' }, 'an ID token'],
    [{ sid: 'ONE', events: {} }, 'about something else'],
    [{ sid: 'ONE', jti: undefined }, 'without an ID'],
    [{}, 'about nobody'],
  ] as const) {
    t.is(await logOut(claims), 400, why)
  }
  provider.signsWithAnother = true
  t.is(await logOut({ sid: 'ONE' }), 400)
  provider.signsWithAnother = false
  t.is(await logOut({ sid: 'ONE' }, url.replace('company', 'nobody')), 400)
  t.is((await fetch(url, { method: 'POST', body: new URLSearchParams() })).status, 400)
  t.deepEqual(await first(), open)

  t.is(await logOut({ sid: 'ONE', sub: 'a' }), 200)
  t.deepEqual(await first(), ended)
  t.deepEqual(await second(), open, 'another session there')
  t.deepEqual(await (await grant('UNDISTURBED'))(), [200, 200, 200])
  const [fourth, fifth] = [await grant('FOUR'), await grant('FIVE')]
  t.is(await logOut({ sid: 'FOUR', sub: 'a' }), 200)
  t.deepEqual(await fourth(), [400, 400, 403])
  t.is(await logOut({ sub: 'somebody else' }), 200)
  t.deepEqual(await second(), open)
  provider.rotate()
  await clock.advance(60_000)
  t.is(await logOut({ sub: 'a' }), 200, 'signed by a new key')
  t.deepEqual(await second(), ended)
  t.deepEqual(await third(), ended)
  t.deepEqual(await fifth(), [400, 400, 403])
  t.is((await whoAmI(own.access_token)).status, 200, 'what was begun with a password')
})

testDatabases(test, 'a provider that names no sessions signs out nobody else', async (t, database) => {
  const { provider, server, accounts, browser, signIn, whoIs } = await openWithProvider(t, { database })
  const begin = async (name: string, sid?: string) => {
    provider.person = { sub: name, preferred_username: name, ...(sid === undefined ? {} : { sid }) }
    const visitor = browser()
    const sso = '/oauth2/sso?redirectUrl=https://tea.example/'
    await signIn(visitor, sso)
    await visitor.get(sso)
    const allowed = await visitor.post(sso, { do: 'allow' })
    const token = allowed.location?.searchParams.get('loginToken') ?? ''
    const { user_id: userId, device_id: deviceId } = await accounts.login.login({
      type: 'm.login.token',
      token,
    })
    return {
      userId,
      deviceId,
      state: async () => [await whoIs(visitor), await accounts.hasDevice(userId, deviceId)],
    }
  }
  const logOut = async (claims: object) => {
    const now = Math.floor(Date.now() / 1000)
    const token = provider.token({
      ...{ iss: provider.url, aud: 'tessera', iat: now, exp: now + 60, jti: randomUUID(), events: EVENTS },
      ...claims,
    })
    const body = new URLSearchParams({ logout_token: token })
    return (await fetch(`${server.url}/oauth2/backchannel-logout/company`, { method: 'POST', body })).status
  }
  const [bob, carol, dora] = [await begin('bob'), await begin('carol'), await begin('dora', '')]
  t.is(await logOut({ sub: 'bob' }), 200)
  t.deepEqual(await bob.state(), [undefined, false])
  t.deepEqual(await carol.state(), ['@carol:tessera.test', true])
  t.deepEqual(await dora.state(), ['@dora:tessera.test', true])

  // As an earlier version has noted them.
  const unnamed = database.prepare("UPDATE devices SET origin = 'company '")
  await database.commit({ statements: [{ prepared: unnamed, rows: [[]] }] })
  t.is(await logOut({ sub: 'carol' }), 200)
  t.deepEqual(await carol.state(), [undefined, false])
  t.deepEqual(await dora.state(), ['@dora:tessera.test', true])
})
