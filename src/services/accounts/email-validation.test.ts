import test from 'ava'
import { MailError } from '../../network/mailer.ts'
import {
  alice,
  PASSWORD,
  recordingMailer,
  type TestAccountsOptions,
  testAccounts,
} from '../../test-kit/accounts.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'

const DAY = 86_400_000
const REQUEST = { client_secret: 'secret', email: 'Alice@Example.org', send_attempt: 1 }
const ADDRESS = 'alice@example.org'

const withMail = (database: Parameters<typeof testAccounts>[0], options: TestAccountsOptions = {}) => {
  const mailer = recordingMailer()
  const registration = { mode: 'open' } as const
  return { ...testAccounts(database, { mailer, registration, ...options }), mailer }
}

testDatabases(test, 'who follows the link and confirms has the address, for a day', async (t, database) => {
  const { accounts, mailer, clock } = withMail(database)
  const { emails } = accounts
  const { sid } = await emails.request('add', { ...REQUEST, next_link: 'https://app.example/next' })
  t.regex(sid, /^[0-9a-zA-Z.=_-]{1,255}$/)
  t.like(mailer.mails[0], { to: ADDRESS })
  t.regex(mailer.mails[0]?.text ?? '', /https:\/\/tessera\.test\/_tessera\/email\/confirm\?token=tsr_/)
  const mine = { sid, clientSecret: 'secret' }
  const refused = { errcode: 'M_THREEPID_AUTH_FAILED', status: 400 }
  t.like(await t.throwsAsync(emails.validated('add', mine)), refused, 'not before it was confirmed')
  t.like(await emails.find(mailer.token), { address: ADDRESS, nextLink: 'https://app.example/next' })
  t.like(await t.throwsAsync(emails.validated('add', mine)), refused, 'looking is not confirming')
  t.is(await emails.confirm('tsr_guess'), undefined)

  await clock.advance(DAY - 1000)
  t.like(await emails.confirm(mailer.token), { purpose: 'add' })
  t.like(await emails.validated('add', mine), { address: ADDRESS, validatedTs: clock.now() })
  for (const [purpose, credentials] of [
    ['register', mine],
    ['password', mine],
    ['add', { ...mine, clientSecret: 'guess' }],
    ['add', { ...mine, sid: 'guess' }],
  ] as const) {
    t.like(await t.throwsAsync(emails.validated(purpose, credentials)), refused)
  }
  await clock.advance(DAY - 1000)
  t.truthy(await emails.validated('add', mine), 'a day from its latest change')
  await clock.advance(2000)
  t.like(await t.throwsAsync(emails.validated('add', mine)), refused)
  await accounts.tidy()
  const [row] = await database.all<{ n: number }>(
    database.prepare('SELECT count(*) AS n FROM email_validations'),
  )
  t.is(row?.n, 0)
})

testDatabases(test, 'an attempt is made once; a later one sends again', async (t, database) => {
  const { accounts, mailer, clock } = withMail(database)
  const request = (more: object = {}) => accounts.emails.request('register', { ...REQUEST, ...more })
  const { sid } = await request({ send_attempt: 2 })
  t.is((await request({ send_attempt: 2 })).sid, sid)
  t.is((await request({ send_attempt: 1 })).sid, sid)
  t.is(mailer.mails.length, 1)
  const first = mailer.token
  t.is((await request({ send_attempt: 3 })).sid, sid)
  t.is(mailer.mails.length, 2)
  t.not((await request({ client_secret: 'other' })).sid, sid)
  t.truthy(await accounts.emails.confirm(first), 'the link of the earlier mail works as well')
  t.truthy(await accounts.emails.validated('register', { sid, clientSecret: 'secret' }))
  const [one, two] = await Promise.all([request({ client_secret: 'x' }), request({ client_secret: 'x' })])
  t.is(one.sid, two.sid)
  t.is(mailer.mails.length, 4)
  for (const secret of ['y', 'z']) await request({ client_secret: secret })
  const flooded = await t.throwsAsync(request({ client_secret: 'q' }))
  t.like(flooded, { errcode: 'M_LIMIT_EXCEEDED', status: 429 })
  await clock.advance(3_600_001)
  t.truthy(await request({ client_secret: 'q' }))
})

test('what is not right sends nothing', async t => {
  const database = await testDatabase(t)
  const { accounts, mailer } = withMail(database, {
    email: { allowDomains: ['example.org', '*.example.org'], revealAccounts: false, baseUrl: 'https://x' },
  })
  for (const [more, errcode] of [
    [{ client_secret: '' }, 'M_INVALID_PARAM'],
    [{ client_secret: 'a b' }, 'M_INVALID_PARAM'],
    [{ client_secret: 'a'.repeat(256) }, 'M_INVALID_PARAM'],
    [{ email: 'alice' }, 'M_INVALID_PARAM'],
    [{ email: 'alice@example.org, eve@example.org' }, 'M_INVALID_PARAM'],
    [{ email: 'alice@evil.example' }, 'M_THREEPID_DENIED'],
    [{ next_link: 'javascript:alert(1)' }, 'M_INVALID_PARAM'],
    [{ next_link: 'file:///etc/passwd' }, 'M_INVALID_PARAM'],
    [{ next_link: '/relative' }, 'M_INVALID_PARAM'],
    [{ next_link: `https://x/${'a'.repeat(2000)}` }, 'M_INVALID_PARAM'],
  ] as const) {
    const error = await t.throwsAsync(accounts.emails.request('add', { ...REQUEST, ...more }))
    t.like(error, { errcode }, JSON.stringify(more))
  }
  t.is(mailer.mails.length, 0)
  await accounts.emails.request('add', { ...REQUEST, email: 'a@sub.example.org' })
  t.is(mailer.mails.length, 1)
  const { accounts: without } = testAccounts(database)
  t.like(await t.throwsAsync(without.emails.request('add', REQUEST)), {
    errcode: 'M_THREEPID_MEDIUM_NOT_SUPPORTED',
    status: 400,
  })
})

test('a mail that could not be sent can be asked for again', async t => {
  const failures = [new MailError('unreachable', 'gone'), new MailError('refused', 'no', { permanent: true })]
  const mailer = recordingMailer()
  const failing = {
    ...mailer,
    send: async (mail: Parameters<typeof mailer.send>[0]) => {
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      await mailer.send(mail)
    },
  }
  const { accounts } = testAccounts(await testDatabase(t), { mailer: failing })
  t.like(await t.throwsAsync(accounts.emails.request('add', REQUEST)), { errcode: 'M_UNKNOWN', status: 500 })
  t.like(await t.throwsAsync(accounts.emails.request('add', REQUEST)), { errcode: 'M_INVALID_PARAM' })
  await accounts.emails.request('add', REQUEST)
  t.is(mailer.mails.length, 1)
})

test('who has an account is told to the owner of the address, or to whoever asks', async t => {
  for (const revealAccounts of [false, true]) {
    const { accounts, mailer } = withMail(await testDatabase(t), {
      email: { revealAccounts, baseUrl: 'https://x' },
    })
    await accounts.createUser({ username: 'alice', password: PASSWORD })
    const { sid } = await accounts.emails.request('add', REQUEST)
    await accounts.emails.confirm(mailer.token)
    await accounts.threepids.add(alice, { sid, clientSecret: 'secret' })
    const taken = accounts.emails.request('register', REQUEST)
    const unknown = accounts.emails.request('password', { ...REQUEST, email: 'bob@example.org' })
    if (revealAccounts) {
      t.like(await t.throwsAsync(taken), { errcode: 'M_THREEPID_IN_USE', status: 400 })
      t.like(await t.throwsAsync(unknown), { errcode: 'M_THREEPID_NOT_FOUND', status: 400 })
      t.is(mailer.mails.length, 1)
    } else {
      await Promise.all([taken, unknown])
      const texts = mailer.mails.slice(1).map(mail => [mail.to, mail.text] as const)
      t.deepEqual(texts.map(([to]) => to).sort(), [ADDRESS, 'bob@example.org'])
      for (const [, text] of texts) t.notRegex(text, /token=/)
      t.true(texts.some(([to, text]) => to === ADDRESS && text.includes(alice)))
    }
  }
})

testDatabases(test, 'an address is sent no more mails by requests that come at once', async (t, database) => {
  const { accounts, mailer } = withMail(database)
  const requests = Array.from({ length: 10 }, (_, index) =>
    accounts.emails.request('add', { ...REQUEST, client_secret: `secret${index}` }),
  )
  const outcomes = await Promise.allSettled(requests)
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 6)
  t.is(mailer.mails.length, 6)
})

testDatabases(test, 'an address belongs to one account, and goes with it', async (t, database) => {
  const { accounts, mailer } = withMail(database)
  for (const username of ['alice', 'bob']) await accounts.createUser({ username, password: PASSWORD })
  const [bob, secrets] = [`@bob:tessera.test`, ['a', 'b']] as const
  const sids: string[] = []
  for (const client_secret of secrets) {
    sids.push((await accounts.emails.request('add', { ...REQUEST, client_secret })).sid)
    await accounts.emails.confirm(mailer.token)
  }
  const [first = '', second = ''] = sids
  await accounts.threepids.add(alice, { sid: first, clientSecret: 'a' })
  await accounts.threepids.add(alice, { sid: first, clientSecret: 'a' })
  t.like(await t.throwsAsync(accounts.threepids.add(bob, { sid: second, clientSecret: 'b' })), {
    errcode: 'M_THREEPID_IN_USE',
  })
  await accounts.threepids.add(alice, { sid: second, clientSecret: 'b' })
  t.like(await accounts.threepids.list(alice), [{ medium: 'email', address: ADDRESS }])
  await accounts.management.deactivate(alice, { erase: false })
  t.deepEqual(await accounts.threepids.list(alice), [])
  await accounts.threepids.add(bob, { sid: second, clientSecret: 'b' })
  t.is((await accounts.threepids.list(bob)).length, 1)
})
