import test from 'ava'
import { bodyOf, logIn, PASSWORD } from '../../test-kit/accounts.ts'
import { codeOf } from '../../test-kit/http.ts'
import { openWithProvider, pathOf } from '../../test-kit/provider-world.ts'

const ALICE = { sub: 'a', preferred_username: 'ada' }
const BOB = { sub: 'b', preferred_username: 'bob' }

test('who has no password confirms in a browser, with the account elsewhere', async t => {
  const { provider, server, accounts, browser, signIn, follow, linkOn } = await openWithProvider(t, {})
  for (const person of [ALICE, BOB]) {
    provider.person = person
    await signIn(browser(), '/account')
  }
  const { login_token: loginToken } = await accounts.loginTokens.generate('@bob:tessera.test')
  const login = { type: 'm.login.token', token: loginToken }
  const { access_token: token, device_id: deviceId } = await accounts.login.login(login)
  const removal = (auth?: object) =>
    server.request('DELETE', `/_matrix/client/v3/devices/${deviceId}`, { token, json: auth ? { auth } : {} })
  const challenge = await removal()
  t.is(challenge.status, 401)
  const { session, flows } = bodyOf(challenge)
  t.deepEqual(flows, [{ stages: ['m.login.sso'] }])
  const forged = { type: 'm.login.sso', session, seenElsewhere: '@bob:tessera.test' }
  t.is(codeOf(await removal(forged)), '401 M_FORBIDDEN', 'a client cannot pass it')
  t.is(codeOf(await removal({ type: 'm.login.password', session, password: '' })), '401 M_FORBIDDEN')

  const path = `/_matrix/client/v3/auth/m.login.sso/fallback/web?session=${session}`
  const window = browser()
  t.regex((await window.get(path)).text, /wants to sign out sessions of your account/)
  const link = await linkOn(window, path)
  t.is((await browser().get(link)).status, 404, 'nobody is sent there but from the page')
  provider.person = ALICE
  t.regex((await follow(window, link)).came.text, /belongs to somebody else here/)
  t.is((await removal({ session })).status, 401)
  provider.person = BOB
  const { came } = await follow(window, link)
  t.is(provider.asked.get('max_age'), '0')
  t.is(pathOf(came.location), path)
  t.regex((await window.get(path)).text, /window\.onAuthDone/)
  t.regex((await window.get('/account')).text, /type="password"/, 'nobody was signed in to the pages')
  t.is((await removal({ session })).status, 200)
  t.is((await window.get('/_matrix/client/v3/auth/m.login.sso/fallback/web?session=x')).status, 404)
})

test('who has a password connects an account elsewhere, and confirms with either', async t => {
  const world = await openWithProvider(t, { settings: { registration: false } })
  const { provider, server, accounts, browser, follow, signIn, whoIs, linkToConnect } = world
  const { access_token: token, device_id: deviceId } = await logIn(accounts)
  const flows = async () => {
    const path = `/_matrix/client/v3/devices/${deviceId}`
    return bodyOf(await server.request('DELETE', path, { token, json: {} })).flows
  }
  t.deepEqual(await flows(), [{ stages: ['m.login.password'] }])
  const alice = browser()
  await alice.signIn('/account')
  const page = '/account?action=chat.tessera.providers'
  t.regex((await alice.get(page)).text, /type="password"/)
  const link = (await linkToConnect(alice, PASSWORD)) ?? ''
  t.is((await browser().get(link)).status, 404, 'a link of another browser')
  provider.person = ALICE
  const { came } = await follow(alice, link)
  t.is(pathOf(came.location), page)
  t.regex((await alice.get(page)).text, /You can sign in with The company/)
  t.is((await alice.get(link)).status, 404, 'the confirmation is good once')
  t.deepEqual(await flows(), [{ stages: ['m.login.password'] }, { stages: ['m.login.sso'] }])
  const elsewhere = browser()
  await signIn(elsewhere, '/account')
  t.is(await whoIs(elsewhere), '@alice:tessera.test')

  await accounts.createUser({ username: 'carol', password: 'another horse battery' })
  const carol = browser()
  await carol.signIn('/account', 'carol', 'another horse battery')
  const wayOfCarol = async () => (await linkToConnect(carol, 'another horse battery')) ?? ''
  const taken = await follow(carol, await wayOfCarol())
  t.regex(taken.came.text, /belongs to somebody else here/)

  provider.person = BOB
  const password = 'yet another horse'
  const late = await follow(carol, await wayOfCarol(), () =>
    accounts.management.setPassword('@carol:tessera.test', password, { logoutDevices: true }),
  )
  t.is(late.came.status, 404, 'whoever had her session connects nothing after she has changed her password')
  const again = browser()
  await again.signIn('/account', 'carol', password)
  t.notRegex((await again.get(page)).text, /You can sign in with The company/)
})

test('who has no password deactivates the account after signing in once more', async t => {
  const { provider, accounts, browser, signIn, whoIs, clock } = await openWithProvider(t, {})
  provider.person = BOB
  const bob = browser()
  await signIn(bob, '/account')
  await bob.get('/account')
  const path = '/account?action=org.matrix.account_deactivate'
  await clock.advance(300_000)
  t.regex((await bob.get(path)).text, /Sign in once more/)
  t.regex((await bob.post(path, { do: 'deactivate' })).text, /Sign in once more/)
  t.is(await whoIs(bob), '@bob:tessera.test')
  await signIn(bob, path)
  t.is(provider.asked.get('max_age'), '0')
  t.false((await bob.get(path)).text.includes('type="password"'))
  t.is((await bob.post(path, { do: 'deactivate' })).status, 200)
  t.is((await accounts.refusalOf('@bob:tessera.test'))?.errcode, 'M_USER_DEACTIVATED')
})

test('whoever finds a browser open connects no account of their own', async t => {
  const world = await openWithProvider(t, { others: [{ id: 'school', name: 'The school' }] })
  const { provider, browser, follow, signIn, linkToConnect, clock } = world
  const page = '/account?action=chat.tessera.providers'
  const alice = browser()
  await alice.signIn('/account')
  const permitted = (await linkToConnect(alice, PASSWORD)) ?? ''
  t.is(await linkToConnect(alice), undefined)
  t.is(await linkToConnect(alice, 'wrong'), undefined)
  t.regex((await alice.post(page, { provider: 'company', password: 'wrong' })).text, /password is not right/)
  for (const forged of ['true', 'x']) {
    t.is((await alice.get(permitted.replace(/connects=[^&]+/, `connects=${forged}`))).status, 404)
  }
  await clock.advance(300_000)
  t.is((await alice.get(permitted)).status, 404, 'nor by a page that was left open')

  provider.person = BOB
  const bob = browser()
  await signIn(bob, '/account')
  const link = (await linkToConnect(bob, undefined, 'school')) ?? ''
  t.is((await bob.get(link.replace('school', 'company'))).status, 404, 'it is for one provider')
  t.is((await alice.get(link)).status, 404)
  await clock.advance(300_000)
  t.is(
    await linkToConnect(bob, undefined, 'school'),
    undefined,
    'he has no password, and signed in a while ago',
  )
  const asked = await bob.get(page)
  t.regex(asked.text, /Sign in once more.*Go on with The company/s)
  t.notRegex(asked.text, /The school/)
  await signIn(bob, page)
  t.is(provider.asked.get('max_age'), '0')
  await follow(bob, (await linkToConnect(bob, undefined, 'school')) ?? '')
  t.regex((await bob.get(page)).text, /You can sign in with The school/)
})

test('a confirmation is not passed by a sign-in of long before', async t => {
  const { provider, browser, signIn, whoIs, clock, failures } = await openWithProvider(t, {})
  provider.person = BOB
  const bob = browser()
  await signIn(bob, '/account')
  await bob.get('/account')
  const path = '/account?action=org.matrix.account_deactivate'
  const signInAnew = async (secondsAgo: number | undefined) => {
    await clock.advance(300_000)
    const authTime = secondsAgo === undefined ? {} : { auth_time: clock.now() / 1000 - secondsAgo }
    provider.person = { ...BOB, ...authTime }
    await signIn(bob, path)
    t.is(provider.asked.get('max_age'), '0')
    return (await bob.get(path)).text.includes('value="deactivate"')
  }
  t.false(await signInAnew(61))
  t.regex(failures.pop() ?? '', /auth_time/)
  t.true(await signInAnew(60), 'clocks differ')
  t.true(await signInAnew(0))
  t.true(await signInAnew(undefined), 'some never tell')
  provider.person = { ...BOB, auth_time: 1 }
  const elsewhere = browser()
  await signIn(elsewhere, '/account')
  t.is(await whoIs(elsewhere), '@bob:tessera.test', 'where nothing is confirmed, it does not matter')
})
