import { randomUUID } from 'node:crypto'
import test from 'ava'
import { logIn } from '../../test-kit/accounts.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { openWithProvider } from '../../test-kit/provider-world.ts'

const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }

testDatabases(test, 'who signs out at a provider is signed out here', async (t, database) => {
  const { provider, server, accounts, browser, signIn, whoIs, whoAmI, authorizePath, exchange, clock } =
    await openWithProvider(t, { database, settings: { linkByName: true } })
  const url = `${server.url}/oauth2/backchannel-logout/company`
  const logOut = async (claims: object, id = url) => {
    const now = Math.floor(Date.now() / 1000)
    const token = provider.token({
      ...{ iss: provider.url, aud: 'tessera', iat: now, exp: now + 60, jti: randomUUID(), events: EVENTS },
      ...claims,
    })
    const answer = await fetch(id, { method: 'POST', body: new URLSearchParams({ logout_token: token }) })
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
    const token = allowed.location?.searchParams.get('loginToken') ?? ''
    const { access_token: other } = await accounts.login.login({ type: 'm.login.token', token })
    return async () => [await whoIs(alice), (await whoAmI(access)).status, (await whoAmI(other)).status]
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
  t.is(await logOut({ sub: 'somebody else' }), 200)
  t.deepEqual(await second(), open)
  provider.rotate()
  clock.advance(60_000)
  t.is(await logOut({ sub: 'a' }), 200, 'signed by a new key')
  t.deepEqual(await second(), ended)
  t.deepEqual(await third(), ended)
  t.is((await whoAmI(own.access_token)).status, 200, 'what was begun with a password')
})
