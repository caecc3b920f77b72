import test from 'ava'
import { recordingMailer } from '../../test-kit/accounts.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { openOAuth } from '../../test-kit/oauth.ts'

const GOOD = { do: 'register', user: 'Bob', password: 'a good long one', password_again: 'a good long one' }

test('whoever comes to make an account makes it, and goes on', async t => {
  const { browser, authorizePath, accounts } = await openOAuth(t, await testDatabase(t), {
    registration: { mode: 'open', guests: false, email: 'off' },
  })
  const path = authorizePath({ prompt: 'create' })
  const bob = browser()
  t.regex((await bob.get(path)).text, /Create an account on tessera.test/)
  for (const [changed, problem] of [
    [{ password_again: 'else' }, /differ/],
    [{ user: 'alice' }, /is taken/],
    [{ user: 'b b' }, /User names consist/],
    [{ password: 'x', password_again: 'x' }, /too short/],
  ] as const) {
    const { text, status } = await bob.post(path, { ...GOOD, ...changed })
    t.true(status >= 400)
    t.regex(text, problem)
    t.notRegex(text, /a good long one/)
  }
  const { location } = await bob.post(path, GOOD)
  t.false(location?.searchParams.has('prompt'))
  t.regex((await bob.get(`${location?.pathname}${location?.search}`)).text, /signed in as @bob:tessera\.test/)
  t.is((await accounts.devices.list('@bob:tessera.test')).length, 0, 'the page is no device')
})

test('a token and documents, where the operator asks for them', async t => {
  const { browser, accounts } = await openOAuth(t, await testDatabase(t), {
    registration: {
      mode: 'token',
      guests: false,
      email: 'off',
      terms: {
        tos: { version: '1', translations: { en: { name: 'House rules', url: 'https://tea.example/' } } },
      },
    },
  })
  const token = await accounts.createRegistrationToken({ usesAllowed: 1 })
  const path = '/account?prompt=create'
  const bob = browser()
  t.regex((await bob.get(path)).text, /name="token".*House rules/s)
  t.regex((await bob.post(path, { ...GOOD, token })).text, /Accept the documents/)
  t.regex((await bob.post(path, { ...GOOD, token: 'guess', terms: 'accepted' })).text, /token is not valid/)
  t.is((await bob.post(path, { ...GOOD, token, terms: 'accepted' })).status, 303)
  t.not(await accounts.find('@bob:tessera.test'), undefined)
})

test('an address comes first, where one has to be shown', async t => {
  const mailer = recordingMailer()
  const { browser, accounts } = await openOAuth(t, await testDatabase(t), {
    registration: { mode: 'open', guests: false, email: 'required' },
    mailer,
  })
  const path = '/account?prompt=create'
  const bob = browser()
  t.regex((await bob.get(path)).text, /name="email"/)
  t.regex((await bob.post(path, { do: 'register', email: 'nonsense' })).text, /cannot be used/)
  const { text } = await bob.post(path, { do: 'register', email: 'bob@tea.example' })
  const hidden = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? ''
  const shown = { email: 'bob@tea.example', sid: hidden('sid'), client_secret: hidden('client_secret') }
  t.regex((await bob.post(path, { ...GOOD, ...shown })).text, /not been confirmed yet/)
  await accounts.emails.confirm(mailer.token)
  t.is((await bob.post(path, { ...GOOD, ...shown })).status, 303)
  t.deepEqual(await accounts.threepids.addressesOf('@bob:tessera.test'), ['bob@tea.example'])
  const again = browser()
  t.is((await again.signIn('/account', 'bob@tea.example', GOOD.password)).status, 303)
})

test('who was not ready yet tries again with the same token', async t => {
  const mailer = recordingMailer()
  const { browser, accounts } = await openOAuth(t, await testDatabase(t), {
    registration: { mode: 'token', guests: false, email: 'required' },
    mailer,
  })
  const token = await accounts.createRegistrationToken({ usesAllowed: 1 })
  const path = '/account?prompt=create'
  const bob = browser()
  await bob.get(path)
  const { text } = await bob.post(path, { do: 'register', email: 'bob@tea.example' })
  const hidden = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? ''
  const filled = {
    ...GOOD,
    token,
    email: 'bob@tea.example',
    sid: hidden('sid'),
    client_secret: hidden('client_secret'),
  }
  t.regex((await bob.post(path, filled)).text, /not been confirmed yet/)
  await accounts.emails.confirm(mailer.token)
  t.is((await bob.post(path, filled)).status, 303)
  t.like(await accounts.registrationTokens.get(token), { pending: 0, completed: 1 })
})

test('a server that takes nobody says so', async t => {
  const { browser, server } = await openOAuth(t, await testDatabase(t))
  const visitor = browser()
  const { text } = await visitor.get('/account?prompt=create')
  t.regex(text, /takes no new accounts/)
  t.notRegex(text, /prompt=create/)
  t.is((await visitor.post('/account?prompt=create', GOOD)).status, 403)
  const { body } = await server.request('GET', '/_matrix/client/v1/auth_metadata')
  t.false('prompt_values_supported' in (body as object))
})
