import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import { Passwords } from '../../services/accounts/passwords.ts'
import { logIn, PASSWORD, recordingMailer } from '../../test-kit/accounts.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { openOAuth } from '../../test-kit/oauth.ts'

const alice = '@alice:tessera.test'
const NEW = 'another good one'
const CHOSEN = { password: NEW, password_again: NEW }

/** A server with a mail server, and alice's address. */
const open = async (
  t: Parameters<typeof openOAuth>[0],
  options: Omit<Parameters<typeof openOAuth>[2] & object, 'mailer'> = {},
) => {
  const mailer = recordingMailer()
  const parts = await openOAuth(t, await testDatabase(t), { mailer, ...options })
  const { accounts, browser, authorizePath } = parts
  const client_secret = 'secret'
  const { sid } = await accounts.emails.request('add', {
    client_secret,
    email: 'a@tea.example',
    send_attempt: 1,
  })
  await accounts.emails.confirm(mailer.token)
  await accounts.threepids.add(alice, { sid, clientSecret: client_secret })
  const visitor = browser()
  const signIn = authorizePath()
  const link = /href="(\/account\/password\?[^"]+)"/.exec((await visitor.get(signIn)).text)?.[1] ?? ''
  const path = link.replaceAll('&amp;', '&')
  /** Asks for a link. @returns the fields that the form then holds */
  const ask = async (email: string) => {
    await visitor.get(path)
    const { text, status } = await visitor.post(path, { email })
    const hidden = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? ''
    return { text, status, fields: { email, sid: hidden('sid'), client_secret: hidden('client_secret') } }
  }
  return { ...parts, mailer, visitor, signIn, path, ask }
}

test.serial('where too many wait to have theirs hashed, the same link is good in a moment', async t => {
  const { accounts, mailer, visitor, path, ask } = await open(t)
  const { fields } = await ask('a@tea.example')
  await accounts.emails.confirm(mailer.token)
  const hashing = Object.getOwnPropertyDescriptor(Passwords.prototype, 'hash') ?? {}
  Object.defineProperty(Passwords.prototype, 'hash', {
    ...hashing,
    value: () => Promise.reject(new MatrixError('M_LIMIT_EXCEEDED', 'too many')),
  })
  const refused = await visitor.post(path, { ...fields, ...CHOSEN })
  Object.defineProperty(Passwords.prototype, 'hash', hashing)
  t.is(refused.status, 429)
  t.is((await visitor.post(path, { ...fields, ...CHOSEN })).status, 303)
})

test('who has forgotten the password sets another one, and goes on to where they wanted', async t => {
  const { accounts, mailer, visitor, signIn, path, ask, browser } = await open(t)
  t.regex((await visitor.get(path)).text, /Set a new password/)
  const { fields, text } = await ask(' A@tea.example ')
  t.regex(text, /on its way to A@tea\.example/)
  t.is(mailer.mails.at(-1)?.to, 'a@tea.example')
  const early = await visitor.post(path, { ...fields, ...CHOSEN })
  t.regex(early.text, /not been confirmed yet/)
  await accounts.emails.confirm(mailer.token)
  for (const [changed, problem] of [
    [{ password_again: 'else' }, /differ/],
    [{ password: 'x', password_again: 'x' }, /too short/],
    [{ client_secret: 'guess' }, /not been confirmed yet/],
  ] as const) {
    const answer = await visitor.post(path, { ...fields, ...CHOSEN, ...changed })
    t.true(answer.status >= 400)
    t.regex(answer.text, problem)
  }
  const session = await logIn(accounts)
  const done = await visitor.post(path, { ...fields, ...CHOSEN })
  t.is(`${done.location?.pathname}${done.location?.search}`, signIn)
  t.regex((await visitor.get(signIn)).text, /signed in as @alice:tessera\.test/)
  t.true(await accounts.hasDevice(alice, session.device_id), 'sessions stay where that was not asked for')
  t.is((await browser().signIn('/account', 'alice', PASSWORD)).status, 403)
  t.is((await browser().signIn('/account', 'alice', NEW)).status, 303)
  // A link is good for one password.
  t.regex((await visitor.post(path, { ...fields, ...CHOSEN })).text, /not been confirmed yet/)
})

test('all sessions end where that is wanted', async t => {
  const { accounts, mailer, visitor, path, ask } = await open(t)
  const session = await logIn(accounts)
  const { fields } = await ask('a@tea.example')
  await accounts.emails.confirm(mailer.token)
  await visitor.post(path, { ...fields, ...CHOSEN, end_others: 'yes' })
  t.false(await accounts.hasDevice(alice, session.device_id))
})

test('it lets in also who has tried too many wrong passwords before', async t => {
  const { accounts, mailer, visitor, signIn, path, ask } = await open(t)
  const tooMany = () => {
    throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many.')
  }
  accounts.hooks.guesses = { check: tooMany, wrong: tooMany }
  const { fields } = await ask('a@tea.example')
  await accounts.emails.confirm(mailer.token)
  t.is((await visitor.post(path, { ...fields, ...CHOSEN })).status, 303)
  t.regex((await visitor.get(signIn)).text, /signed in as @alice:tessera\.test/)
})

test('nobody learns whose an address is, or gets into an account that is locked', async t => {
  const { accounts, mailer, visitor, path, ask } = await open(t)
  const unknown = await ask('nobody@tea.example')
  t.is(unknown.status, 200)
  t.regex(unknown.text, /on its way to nobody@tea\.example/)
  t.is(mailer.token, '')
  t.regex((await ask('nonsense')).text, /cannot be used/)
  const { fields } = await ask('a@tea.example')
  await accounts.emails.confirm(mailer.token)
  await accounts.setFlag(alice, 'is_locked', true)
  t.regex((await visitor.post(path, { ...fields, ...CHOSEN })).text, /account is locked/)
})

test('who was only told of the page comes to their account', async t => {
  const { accounts, mailer, visitor } = await open(t)
  const path = '/account/password'
  t.regex((await visitor.get(path)).text, /Set a new password.*href="\/account"/s)
  const { text } = await visitor.post(path, { email: 'a@tea.example' })
  const hidden = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? ''
  await accounts.emails.confirm(mailer.token)
  const sent = { sid: hidden('sid'), client_secret: hidden('client_secret') }
  t.is((await visitor.post(path, { ...sent, ...CHOSEN })).location?.pathname, '/account')
})

test('nobody is brought elsewhere, and no other site sends the form', async t => {
  const { visitor, ask, path } = await open(t)
  for (const back of ['', 'https://evil.example/', '//evil.example/oauth2/authorize', '/health']) {
    const query = new URLSearchParams({ return: back })
    t.is((await visitor.get(`/account/password?${query}`)).status, 400)
  }
  const { fields } = await ask('a@tea.example')
  const elsewhere = await visitor.post(path, { ...fields, ...CHOSEN }, { 'Sec-Fetch-Site': 'cross-site' })
  t.is(elsewhere.status, 403)
})

test('it is offered where there are passwords and a mail server alone', async t => {
  const { browser } = await openOAuth(t, await testDatabase(t))
  t.notRegex((await browser().get('/account')).text, /forgotten/)
  const mailer = recordingMailer()
  const without = await openOAuth(t, await testDatabase(t), { mailer, sessions: { passwords: false } })
  t.notRegex((await without.browser().get('/account')).text, /forgotten/)
})
