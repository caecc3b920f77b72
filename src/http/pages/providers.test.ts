import test from 'ava'
import { PASSWORD, SERVER_NAME } from '../../test-kit/accounts.ts'
import { testDatabases } from '../../test-kit/database.ts'
import type { TestBrowser } from '../../test-kit/oauth.ts'
import { openWithProvider, pathOf } from '../../test-kit/provider-world.ts'

testDatabases(test, 'somebody new signs in, and comes again', async (t, database) => {
  const { provider, browser, signIn, whoIs, authorizePath, accounts, exchange } = await openWithProvider(t, {
    database,
  })
  provider.person = { sub: 'x-1', preferred_username: 'Bob', email: 'bob@example.org', email_verified: true }
  // The ID token lacks it, the userinfo endpoint does not.
  provider.more = { name: 'Bob Builder' }
  const path = authorizePath()
  const bob = browser()
  const { sent, back, came } = await signIn(bob, path)
  t.is(sent.status, 303)
  t.is(provider.asked.get('redirect_uri'), 'http://localhost:8008/oauth2/callback')
  t.is(provider.asked.get('code_challenge_method'), 'S256')
  t.is(provider.asked.get('max_age'), null)
  t.is(`${came.location?.pathname}${came.location?.search}`, path)
  t.regex((await bob.get(path)).text, /@bob:tessera\.test/)
  const { location } = await bob.post(path, { do: 'allow' })
  const code = new URLSearchParams(location?.hash.slice(1)).get('code') ?? ''
  t.is((await exchange(code)).status, 200)
  t.deepEqual(await accounts.profiles.memberProfile('@bob:tessera.test'), { displayname: 'Bob Builder' })
  t.deepEqual(await accounts.threepids.addressesOf('@bob:tessera.test'), ['bob@example.org'])

  t.is((await bob.get(back)).status, 404, 'the answer of the provider is good once')
  provider.person = { sub: 'x-1', preferred_username: 'robert' }
  const elsewhere = browser()
  await signIn(elsewhere, '/account')
  t.is(await whoIs(elsewhere), '@bob:tessera.test', 'who it is says the subject, not the name')
  await accounts.management.deactivate('@bob:tessera.test', { erase: false })
  t.is(await whoIs(elsewhere), undefined)
  const again = browser()
  await signIn(again, '/account')
  t.is(await whoIs(again), '@robert:tessera.test', 'the old account is gone for good')
})

test('whoever cannot be called what the provider says chooses a name, and accepts the terms', async t => {
  const { provider, browser, signIn, whoIs, accounts } = await openWithProvider(t, {
    registration: {
      terms: { rules: { version: '2', translations: { en: { name: 'The rules', url: 'https://x.test/' } } } },
    },
  })
  provider.person = { sub: '1', preferred_username: 'alice@company.example', name: '<b>Alice' }
  const visitor = browser()
  const { came } = await signIn(visitor, '/account?action=org.matrix.profile')
  const question = `${came.location?.pathname}${came.location?.search}`
  const asked = await visitor.get(question)
  t.regex(asked.text, /from The company before.*name is taken.*value="alice".*The rules/s)
  t.is((await browser().get(question)).status, 404, 'another browser is not asked')
  const post = (fields: Record<string, string>) => visitor.post(question, { do: 'create', ...fields })
  t.regex((await post({ user: 'alina' })).text, /role="alert">Accept the documents/)
  t.regex((await post({ user: 'alice', terms: 'accepted' })).text, /role="alert">This user name is taken/)
  t.regex((await post({ user: 'a b', terms: 'accepted' })).text, /role="alert">User names consist of/)
  const made = await post({ user: 'alina', terms: 'accepted' })
  t.is(`${made.location?.pathname}${made.location?.search}`, '/account?action=org.matrix.profile')
  t.is(await whoIs(visitor), '@alina:tessera.test')
  t.deepEqual(await accounts.profiles.memberProfile('@alina:tessera.test'), { displayname: '<b>Alice' })
  t.is((await post({ user: 'alia', terms: 'accepted' })).status, 404, 'one account')
})

test('what the operator wants: no new accounts, old ones linked by name, and groups', async t => {
  const { provider, browser, signIn, whoIs, accounts } = await openWithProvider(t, {
    settings: { registration: false, linkByName: true, requiredClaims: { groups: 'chat' } },
  })
  const attempt = async (person: object) => {
    provider.person = { groups: ['chat', 'staff'], ...person }
    const visitor = browser()
    const { came } = await signIn(visitor, '/account')
    return (await whoIs(visitor)) ?? /<h1>This does not work<\/h1>\s*<p>(.*)<\/p>/.exec(came.text)?.[1]
  }
  t.regex(String(await attempt({ sub: '1', preferred_username: 'bob' })), /no new accounts/)
  t.regex(String(await attempt({ sub: '2', preferred_username: 'alice', groups: ['staff'] })), /not let in/)
  t.regex(String(await attempt({ sub: '2', preferred_username: 'alice', groups: 'chatter' })), /not let in/)
  t.regex(String(await attempt({ sub: '2', preferred_username: 'álice' })), /no new accounts/, 'not her name')
  t.is(await attempt({ sub: '3', preferred_username: 'Alice' }), `@alice:${SERVER_NAME}`)
  t.regex(String(await attempt({ sub: '4', preferred_username: 'alice' })), /name is taken/, 'once')
  await accounts.setFlag(`@alice:${SERVER_NAME}`, 'is_locked', true)
  t.regex(String(await attempt({ sub: '3', preferred_username: 'alice' })), /account is locked/)
})

test('nobody is let in by an answer that is not in order', async t => {
  const { provider, browser, signIn, whoIs, clock, failures } = await openWithProvider(t, {})
  provider.person = { sub: '1', preferred_username: 'bob' }
  const refused = async (why: RegExp, text: RegExp = /did not answer as it should/) => {
    const visitor = browser()
    const { came } = await signIn(visitor, '/account')
    t.regex(came.text, text)
    t.regex(came.text, /href="\/account">Try it again/)
    t.is(await whoIs(visitor), undefined)
    t.regex(failures.pop() ?? '', why)
  }
  provider.signsWithAnother = true
  await refused(/signature/)
  provider.signsWithAnother = false
  for (const [claim, value] of [
    ['nonce', 'another'],
    ['aud', 'somebody else'],
    ['iss', 'https://elsewhere.example'],
    ['exp', 1],
  ] as const) {
    provider.forge = { [claim]: value }
    await refused(new RegExp(claim))
  }
  provider.forge = {}
  provider.refusal = 'access_denied'
  await refused(/^$/, /not let in/)
  provider.refusal = 'server_error'
  await refused(/server_error/)
  provider.refusal = undefined
  // It has new keys, which have to be asked for.
  provider.rotate()
  await clock.advance(600_000)
  const visitor = browser()
  await signIn(visitor, '/account')
  t.is(await whoIs(visitor), '@bob:tessera.test')
})

test('a sign-in belongs to the browser that has begun it, leads nowhere else, and expires', async t => {
  const { provider, browser, signIn, whoIs, clock } = await openWithProvider(t, {})
  provider.person = { sub: '1', preferred_username: 'bob' }
  const begin = async (mine: TestBrowser) => {
    const { location } = await mine.get('/oauth2/provider/company?return=/account')
    const answer = await fetch(location ?? '', { redirect: 'manual' })
    return (answer.headers.get('location') ?? '').replace('http://localhost:8008', '')
  }
  const [mallory, victim] = [browser(), browser()]
  await victim.get('/account')
  const back = await begin(mallory)
  t.is((await victim.get(back)).status, 404)
  t.is(await whoIs(victim), undefined)
  t.is((await mallory.get(back.replace(/iss=[^&]+/, 'iss=https://elsewhere.example'))).status, 502)
  t.is((await mallory.get(back)).status, 404, 'and it is spent')
  const late = await begin(mallory)
  await clock.advance(3_600_001)
  t.is((await mallory.get(late)).status, 404)
  for (const path of [
    'https://evil.example/',
    '//evil.example/account',
    '/\\evil.example/account',
    '/',
    '',
  ]) {
    const query = new URLSearchParams({ return: path })
    t.is((await mallory.get(`/oauth2/provider/company?${query}`)).status, 400, path)
  }
  t.is((await mallory.get('/oauth2/provider/nobody?return=/account')).status, 404)
  t.is((await mallory.get('/oauth2/callback')).status, 404)
  await signIn(victim, '/account')
  t.is(await whoIs(victim), '@bob:tessera.test')
})

test('a device that nobody uses is removed, though its owner has no password', async t => {
  const day = 86_400_000
  const { provider, accounts, browser, signIn, clock } = await openWithProvider(t, {
    sessions: { deviceLifetimeMs: 30 * day },
  })
  provider.person = { sub: '1', preferred_username: 'bob' }
  await signIn(browser(), '/account')
  const { login_token: token } = await accounts.loginTokens.generate('@bob:tessera.test')
  const { device_id: deviceId } = await accounts.login.login({ type: 'm.login.token', token })
  await clock.advance(29 * day)
  await accounts.tidy()
  t.true(await accounts.hasDevice('@bob:tessera.test', deviceId))
  await clock.advance(2 * day)
  await accounts.tidy()
  t.false(await accounts.hasDevice('@bob:tessera.test', deviceId))
})

test('without passwords the provider is the only way in', async t => {
  const { accounts, browser, server } = await openWithProvider(t, { sessions: { passwords: false } })
  const page = await browser().get('/account')
  t.false(page.text.includes('type="password"'))
  t.regex(page.text, /Go on with The company/)
  t.is((await browser().signIn('/account')).status, 403)
  const flows = await server.request('GET', '/_matrix/client/v3/login')
  t.false(JSON.stringify(flows.body).includes('m.login.password'))
  const request = { type: 'm.login.password', user: 'alice', password: PASSWORD }
  t.is((await server.request('POST', '/_matrix/client/v3/login', { json: request })).status, 400)
  t.is(await accounts.setup.issue(), undefined)
})

test('a client shows the providers, and sends people straight to one of them', async t => {
  const settings = { brand: 'gitlab', icon: 'mxc://tessera.test/icon' }
  const { provider, browser, server } = await openWithProvider(t, { settings })
  provider.person = { sub: '1', preferred_username: 'bob' }
  const { body } = await server.request('GET', '/_matrix/client/v3/login')
  const { flows } = body as { flows: { type: string; identity_providers?: unknown }[] }
  t.deepEqual(flows.find(({ type }) => type === 'm.login.sso')?.identity_providers, [
    { id: 'company', name: 'The company', ...settings },
  ])
  const redirect = (id: string, redirectUrl: string) =>
    `/_matrix/client/v3/login/sso/redirect/${id}?${new URLSearchParams({ redirectUrl })}`
  const bob = browser()
  const away = await bob.get(redirect('company', 'element://connect'))
  t.is(away.status, 302)
  const { location } = await bob.get(pathOf(away.location))
  const answer = await fetch(location ?? '', { redirect: 'manual' })
  const back = await bob.get(pathOf(answer.headers.get('location')))
  const consent = pathOf(back.location)
  t.regex((await bob.get(consent)).text, /signed in as @bob:tessera\.test.*element:\/\/connect/s)
  const allowed = await bob.post(consent, { do: 'allow' })
  const login = { type: 'm.login.token', token: allowed.location?.searchParams.get('loginToken') }
  const loggedIn = await server.request('POST', '/_matrix/client/v3/login', { json: login })
  t.like(loggedIn.body, { user_id: '@bob:tessera.test' })
  t.is((await bob.get(redirect('nobody', 'element://connect'))).status, 404)
  const refused = await bob.get(redirect('company', 'javascript:alert(1)'))
  t.is(refused.location?.pathname, '/oauth2/sso', 'whose page says that nobody is brought back there')
})
