import test from 'ava'
import { InteractiveChallenge } from '../../../services/accounts/interactive-attempt.ts'
import { PASSWORD, recordingMailer } from '../../../test-kit/accounts.ts'
import { testDatabase } from '../../../test-kit/database.ts'
import { codeOf } from '../../../test-kit/http.ts'
import { openOAuth } from '../../../test-kit/oauth.ts'
import { openWithProvider } from '../../../test-kit/provider-world.ts'

const alice = '@alice:tessera.test'

/** Alice's browser, in which she is signed in. */
const open = async (t: Parameters<typeof openOAuth>[0]) => {
  const parts = await openOAuth(t, await testDatabase(t))
  const visitor = parts.browser()
  await visitor.signIn('/account')
  return { ...parts, visitor }
}

test('what there is to do, and the way out', async t => {
  const { visitor, browser } = await open(t)
  t.regex((await browser().get('/account?action=org.matrix.devices_list')).text, /Sign in to tessera.test/)
  for (const path of ['/account', '/account?action=constructor', '/account?action=com.example.dance']) {
    const { text, status } = await visitor.get(path)
    t.is(status, 200)
    t.regex(text, /signed in as @alice:tessera\.test.*action=org\.matrix\.devices_list/s)
  }
  t.is((await visitor.post('/account', { do: 'sign-out' })).status, 303)
  t.regex((await visitor.get('/account')).text, /Sign in to tessera.test/)
})

test('the profile', async t => {
  const { visitor, accounts } = await open(t)
  const path = '/account?action=org.matrix.profile'
  t.regex((await visitor.get(path)).text, /value="alice"/)
  t.regex((await visitor.post(path, { displayname: 'Alice "Tea" <b>' })).text, /It is saved/)
  t.deepEqual(await accounts.profiles.memberProfile(alice), { displayname: 'Alice "Tea" <b>' })
  t.regex((await visitor.get(path)).text, /value="Alice &quot;Tea&quot; &lt;b&gt;"/)
  t.is((await visitor.post(path, { displayname: 'x'.repeat(257) })).status, 400)
  await accounts.setFlag(alice, 'is_suspended', true)
  t.regex((await visitor.post(path, { displayname: 'Else' })).text, /while your account is suspended/)
  t.like(await accounts.profiles.memberProfile(alice), { displayname: 'Alice "Tea" <b>' })
})

test('sessions are listed, named and ended, by their old names too', async t => {
  const { visitor, accounts, session, whoAmI } = await open(t)
  const { access } = await session('A&C')
  await session('KETTLE')
  const list = await visitor.get('/account?action=org.matrix.sessions_list')
  t.regex(list.text, /Tea time \(A&amp;C\).*Tea time \(KETTLE\)|KETTLE.*A&amp;C/s)
  const view = '/account?action=org.matrix.device_view&device_id=KETTLE'
  t.regex((await visitor.get(view)).text, /value="Tea time"/)
  t.is((await visitor.post(view, { name: 'x'.repeat(101) })).status, 400)
  t.is((await visitor.post(view, { name: 'In the kitchen' })).status, 200)
  t.like(await accounts.devices.get(alice, 'KETTLE'), { display_name: 'In the kitchen' })

  const end = `/account?action=org.matrix.session_end&device_id=${encodeURIComponent('A&C')}`
  t.regex((await visitor.get(end)).text, /Sign this session out\?/)
  t.true(await accounts.hasDevice(alice, 'A&C'), 'to look is not to end')
  t.regex((await visitor.post(end, { do: 'end' })).text, /The session is signed out/)
  t.is(codeOf(await whoAmI(access)), '401 M_UNKNOWN_TOKEN')
  for (const path of [end, view.replace('KETTLE', 'NOBODY')]) t.is((await visitor.get(path)).status, 404)
  t.regex((await visitor.get('/account?action=org.matrix.device_delete')).text, /In the kitchen/)
})

test('all sessions are ended at once, or all but one', async t => {
  const { visitor, accounts, session, whoAmI, browser } = await open(t)
  const { access } = await session('TEAPOT')
  t.notRegex((await visitor.get('/account?action=org.matrix.devices_list')).text, /sessions_end/)
  const kettle = await session('KETTLE')
  await session('CUP')
  const elsewhere = browser()
  await elsewhere.signIn('/account')
  t.regex((await visitor.get('/account?action=org.matrix.devices_list')).text, /sessions_end">Sign all sessi/)
  const path = '/account?action=chat.tessera.sessions_end'
  const others = `${path}&device_id=TEAPOT`
  t.regex((await visitor.get('/account?action=org.matrix.device_view&device_id=TEAPOT')).text, /sessions_end/)
  t.regex((await visitor.get(others)).text, /Sign all other sessions out\?.*Tea time \(TEAPOT\) stays/s)
  t.is((await accounts.devices.list(alice)).length, 3, 'to look is not to end')
  t.is((await visitor.get(`${path}&device_id=NOBODY`)).status, 404)
  await visitor.get(others)
  t.regex((await visitor.post(others, { do: 'end' })).text, /The sessions are signed out/)
  t.is((await whoAmI(access)).status, 200)
  t.is(codeOf(await whoAmI(kettle.access)), '401 M_UNKNOWN_TOKEN')
  t.regex((await elsewhere.get('/account')).text, /Sign in to tessera.test/)
  await visitor.get(path)
  t.regex((await visitor.post(path, { do: 'end' })).text, /The sessions are signed out/)
  t.is(codeOf(await whoAmI(access)), '401 M_UNKNOWN_TOKEN')
  t.regex((await visitor.get('/account')).text, /signed in as/, 'this browser stays')
})

test('the password', async t => {
  const { visitor, accounts, session, whoAmI, browser } = await open(t)
  const { access } = await session()
  const path = '/account?action=chat.tessera.password'
  const wanted = { current: PASSWORD, password: 'another good one', password_again: 'another good one' }
  for (const [changed, problem] of [
    [{ current: 'wrong' }, /password is not right/],
    [{ password_again: 'else' }, /differ/],
    [{ password: 'short', password_again: 'short' }, /too short/],
  ] as const) {
    await visitor.get(path)
    t.regex((await visitor.post(path, { ...wanted, ...changed })).text, problem)
  }
  t.regex((await visitor.post(path, wanted)).text, /The password is changed/)
  t.is((await whoAmI(access)).status, 200, 'sessions stay where that was not asked for')
  t.regex((await visitor.get('/account')).text, /signed in as/, 'and so does this browser')
  t.is((await browser().signIn('/account', 'alice', PASSWORD)).status, 403)
  await visitor.get(path)
  await visitor.post(path, { ...wanted, current: 'another good one', end_others: 'yes' })
  t.is(codeOf(await whoAmI(access)), '401 M_UNKNOWN_TOKEN')
  t.is((await accounts.devices.list(alice)).length, 0)
})

test('a reset of the cross-signing keys is allowed to one session, once, for a while', async t => {
  const { visitor, accounts, session, clock } = await open(t)
  const { access } = await session()
  const other = await session('KETTLE')
  const confirmed = { do: 'reset', password: PASSWORD }
  const require = async (token: string) =>
    accounts.oauth.keyResets.require(await accounts.authenticate(token))
  const challenge = await t.throwsAsync(require(access), { instanceOf: InteractiveChallenge })
  t.like(challenge?.body, {
    flows: [{ stages: ['m.oauth'] }, { stages: ['org.matrix.cross_signing_reset'] }],
  })
  const { params } = challenge.body as unknown as { params: Record<string, { url: string }> }
  const url = new URL(params['m.oauth']?.url ?? '')
  const path = url.pathname + url.search
  t.is(path, '/account?action=org.matrix.cross_signing_reset&device_id=TEAPOT')
  t.regex((await visitor.get(path)).text, /allows the session Tea time \(TEAPOT\) alone/)
  await t.throwsAsync(require(access), { instanceOf: InteractiveChallenge }, 'to look is not to allow')
  t.is((await visitor.post(path, { do: 'reset' })).status, 403)
  t.is((await visitor.post(path, { do: 'reset', password: 'wrong' })).status, 403)
  await t.throwsAsync(require(access), { instanceOf: InteractiveChallenge }, 'nor to find a browser open')
  t.regex((await visitor.post(path, confirmed)).text, /next ten minutes/)
  await t.throwsAsync(require(other.access), { instanceOf: InteractiveChallenge })
  await require(access)
  await t.throwsAsync(require(access), { instanceOf: InteractiveChallenge })

  const any = '/account?action=org.matrix.cross_signing_reset'
  await visitor.post(any, confirmed)
  await require(other.access)
  await visitor.post(any, confirmed)
  await clock.advance(600_001)
  await t.throwsAsync(require(access), { instanceOf: InteractiveChallenge })
  t.is((await visitor.get(`${any}&device_id=NOBODY`)).status, 404)
})

test('deactivation', async t => {
  const { visitor, accounts } = await open(t)
  const path = '/account?action=org.matrix.account_deactivate'
  await visitor.get(path)
  t.is((await visitor.post(path, { password: 'wrong' })).status, 403)
  t.not(await accounts.find(alice), undefined)
  t.regex((await visitor.post(path, { password: PASSWORD })).text, /The account is deactivated/)
  t.is(await accounts.find(alice), undefined)
  t.regex((await visitor.get('/account')).text, /Sign in to tessera.test/)
})

test('an e-mail address is added by whoever shows that it is them, and that they read its mail', async t => {
  const mailer = recordingMailer()
  const { accounts, browser } = await openOAuth(t, await testDatabase(t), { mailer })
  const visitor = browser()
  await visitor.signIn('/account')
  const path = '/account?action=chat.tessera.addresses'
  t.regex((await visitor.get('/account')).text, /action=chat\.tessera\.addresses/)
  await visitor.get(path)
  t.regex((await visitor.post(path, { email: 'nonsense' })).text, /cannot be used/)
  const { text } = await visitor.post(path, { email: 'A@tea.example' })
  const hidden = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? ''
  const sent = { email: 'A@tea.example', sid: hidden('sid'), client_secret: hidden('client_secret') }
  t.regex((await visitor.post(path, { ...sent, password: PASSWORD })).text, /not been confirmed yet/)
  await accounts.emails.confirm(mailer.token)
  t.is((await visitor.post(path, sent)).status, 403)
  t.is((await visitor.post(path, { ...sent, password: 'wrong' })).status, 403)
  t.deepEqual(await accounts.threepids.addressesOf(alice), [])
  t.regex((await visitor.post(path, { ...sent, password: PASSWORD })).text, /It is saved/)
  t.deepEqual(await accounts.threepids.addressesOf(alice), ['a@tea.example'])
  const removal = `${path}&remove=a%40tea.example`
  t.true((await visitor.get(path)).text.includes(removal.replaceAll('&', '&amp;')))
  t.regex((await visitor.get(removal)).text, /<h1>a@tea\.example<\/h1>.*type="password"/s)
  t.regex((await visitor.get(`${path}&remove=b%40tea.example`)).text, /Add an e-mail address/, 'not hers')
  const remove = (password: string, headers = {}) =>
    visitor.post(removal, { do: 'remove', password }, headers)
  t.is((await remove(PASSWORD, { 'Sec-Fetch-Site': 'cross-site' })).status, 403)
  await accounts.setFlag(alice, 'is_suspended', true)
  t.regex((await remove(PASSWORD)).text, /while your account is suspended/)
  await accounts.setFlag(alice, 'is_suspended', false)
  t.regex((await remove('wrong')).text, /password is not right/)
  t.regex((await visitor.post(removal, {})).text, /type="password"/)
  t.deepEqual(await accounts.threepids.addressesOf(alice), ['a@tea.example'])
  t.regex((await remove(PASSWORD)).text, /It is saved/)
  t.deepEqual(await accounts.threepids.addressesOf(alice), [])
})

test('who has no password has as long as the link is good to add an address', async t => {
  const mailer = recordingMailer()
  const { accounts, provider, browser, signIn, clock } = await openWithProvider(t, { mailer })
  provider.person = { sub: 'b', preferred_username: 'bob' }
  const [bob, userId] = [browser(), '@bob:tessera.test']
  await signIn(bob, '/account')
  const path = '/account?action=chat.tessera.addresses'
  await bob.get(path)
  const { text } = await bob.post(path, { email: 'b@tea.example' })
  const fieldsOf = (page: string) =>
    Object.fromEntries(
      Array.from(page.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g), ([, name, value]) => [
        name,
        value,
      ]),
    ) as Record<string, string>
  const sent = fieldsOf(text)
  await clock.advance(600_000)
  t.regex((await bob.post(path, sent)).text, /not been confirmed yet/)
  await accounts.emails.confirm(mailer.token)
  // Whoever finds his browser open can have an address of their own confirmed, but shows by that nothing of him.
  const own = await accounts.emails.begin('add', 'thief@tea.example')
  await accounts.emails.confirm(mailer.token)
  const stolen = { email: 'thief@tea.example', sid: own.sid, client_secret: own.clientSecret }
  for (const permit of ['', sent['permit'] ?? ''])
    t.regex((await bob.post(path, { ...stolen, permit })).text, /Sign in once more/)
  t.regex((await bob.post(path, sent)).text, /It is saved/)
  t.deepEqual(await accounts.threepids.addressesOf(userId), ['b@tea.example'])

  const removal = `${path}&remove=b%40tea.example`
  t.regex((await bob.get(removal)).text, /Sign in once more/)
  t.regex((await bob.post(removal, { do: 'remove' })).text, /Sign in once more/)
  await signIn(bob, removal)
  await bob.get(removal)
  t.regex((await bob.post(removal, { do: 'remove' })).text, /It is saved/)
  t.deepEqual(await accounts.threepids.addressesOf(userId), [])
})

test('no address is offered to be added where nothing can be sent, but to be removed', async t => {
  const { visitor, accounts } = await open(t)
  t.notRegex((await visitor.get('/account')).text, /addresses/)
  const threepids = [{ medium: 'email', address: 'a@tea.example' }]
  const root = {
    userId: '@root:tessera.test',
    isAdmin: true,
    tokenId: '',
    isGuest: false,
    deviceId: undefined,
  }
  await accounts.administered.put(root, alice, { threepids })
  t.regex((await visitor.get('/account')).text, /addresses/)
  const { text } = await visitor.get('/account?action=chat.tessera.addresses')
  t.regex(text, /remove=a%40tea\.example/)
  t.notRegex(text, /Add an e-mail address/)
})
