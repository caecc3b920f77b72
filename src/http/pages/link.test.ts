import test from 'ava'
import { bodyOf } from '../../test-kit/accounts.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { openOAuth, scopeOf } from '../../test-kit/oauth.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

const openLink = async (...parameters: Parameters<typeof openOAuth>) => {
  const parts = await openOAuth(...parameters)
  const begin = async (fields: Record<string, string> = {}) =>
    (await parts.form('/oauth2/device', { client_id: parts.clientId, scope: scopeOf('TELLY'), ...fields }))
      .body
  const poll = async (code: unknown, fields: Record<string, string> = {}) =>
    (await parts.token({ grant_type: GRANT, device_code: String(code), ...fields })).body
  return { ...parts, begin, poll }
}

testDatabases(test, 'a device is let in by whoever types its code elsewhere', async (t, database) => {
  const { begin, poll, browser, whoAmI, clock } = await openLink(t, database)
  const started = await begin()
  t.like(started, { verification_uri: 'http://localhost:8008/link', expires_in: 1800, interval: 5 })
  const code = String(started['user_code'])
  t.regex(code, /^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/)
  t.is(started['verification_uri_complete'], `http://localhost:8008/link?user_code=${code}`)
  t.like(await poll(started['device_code']), { error: 'authorization_pending' })

  const alice = browser()
  t.is((await alice.signIn('/link')).location?.pathname, '/link')
  t.regex((await alice.get('/link')).text, /name="user_code"/)
  const path = `/link?user_code=${code.toLowerCase().replace('-', '+')}`
  const asked = await alice.get(path)
  for (const part of [code, 'Tea time', 'TELLY', '@alice:tessera.test'])
    t.true(asked.text.includes(part), part)
  t.regex((await alice.post(path, { do: 'allow' })).text, /Your device is signed in/)
  t.is((await alice.post(path, { do: 'allow' })).status, 404, 'it is decided')

  await clock.advance(5_000)
  const tokens = await poll(started['device_code'])
  t.like(tokens, { token_type: 'Bearer', scope: scopeOf('TELLY') })
  t.like(bodyOf(await whoAmI(String(tokens['access_token']))), { device_id: 'TELLY' })
  t.like(await poll(started['device_code']), { error: 'invalid_grant' })
})

test('a device that asks too often, is refused, or waits too long', async t => {
  const { begin, poll, browser, clock, register, form } = await openLink(t, await testDatabase(t))
  const { device_code: hasty } = await begin()
  t.like(await poll(hasty), { error: 'authorization_pending' })
  t.like(await poll(hasty), { error: 'slow_down' })
  await clock.advance(5_000)
  t.like(await poll(hasty), { error: 'slow_down' }, 'the interval has grown')
  await clock.advance(15_000)
  t.like(await poll(hasty), { error: 'authorization_pending' })

  const unwanted = await begin()
  const alice = browser()
  const path = `/link?user_code=${unwanted['user_code']}`
  await alice.signIn(path)
  await alice.get(path)
  t.regex((await alice.post(path, { do: 'deny' })).text, /not let in/)
  t.like(await poll(unwanted['device_code']), { error: 'access_denied' })

  const late = await begin()
  await clock.advance(1_800_001)
  t.like(await poll(late['device_code']), { error: 'expired_token' })
  t.is((await browser().get('/link?user_code=BBBB-BBBB')).status, 200, 'who is not signed in learns nothing')
  await alice.signIn('/link')
  for (const code of [String(late['user_code']), 'BBBB-BBBB', '<script>']) {
    t.is((await alice.get(`/link?user_code=${encodeURIComponent(code)}`)).status, 404, code)
  }

  t.like(await poll('tsr_guess'), { error: 'invalid_grant' })
  const webOnly = { client_uri: 'https://tea.example/', redirect_uris: ['https://tea.example/'] }
  const { body } = await register(webOnly)
  const fields = { client_id: String(body['client_id']), scope: scopeOf('A') }
  t.like((await form('/oauth2/device', fields)).body, { error: 'unauthorized_client' })
  t.like(await begin({ scope: '' }), { error: 'invalid_request' })
  t.like(await begin({ scope: 'openid' }), { error: 'invalid_scope' })
  t.like(await begin({ client_id: 'nobody' }), { error: 'invalid_client' })
})
