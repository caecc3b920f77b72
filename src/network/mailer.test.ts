import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { openMailSink } from '../test-kit/mail-sink.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { createAuthority } from '../test-kit/tls.ts'
import {
  type Mail,
  MailError,
  type Mailer,
  type MailerOptions,
  openMailer,
  probeMailServer,
} from './mailer.ts'

const mailer = (t: ExecutionContext, port: number, options: Partial<MailerOptions> = {}): Mailer => {
  const opened = openMailer({
    ...{
      host: '127.0.0.1',
      port,
      tls: 'none',
      from: 'Our server <noreply@example.org>',
      clock: new FakeClock(),
    },
    ...options,
  })
  t.teardown(() => opened.close())
  return opened
}

const sink = async (t: ExecutionContext, options: Parameters<typeof openMailSink>[0] = {}) => {
  const opened = await openMailSink(options)
  t.teardown(() => opened.close())
  return opened
}

const MAIL: Mail = { to: 'alice@example.org', subject: 'Hello', text: 'Hello, Alice' }

const failure = async (t: ExecutionContext, sending: Promise<void>): Promise<MailError> =>
  t.throwsAsync(sending, { instanceOf: MailError })

test('a message arrives with all its parts', async t => {
  const { port, next } = await sink(t)
  await mailer(t, port).send({
    ...MAIL,
    subject: 'Grüße aus „Raum“',
    text: 'Straße 😀',
    html: '<p>Straße</p>',
    headers: { 'List-Unsubscribe': '<https://example.org/u?t=1>' },
    alternatives: [
      { contentType: 'text/calendar; charset=utf-8; method=REQUEST', content: 'BEGIN:VCALENDAR' },
    ],
    attachments: [{ filename: 'café.ics', contentType: 'text/calendar', content: 'END:VCALENDAR' }],
  })
  const mail = await next()
  t.deepEqual([mail.from, mail.to], ['noreply@example.org', ['alice@example.org']])
  t.is(mail.headers['from'], 'Our server <noreply@example.org>')
  t.is(mail.headers['to'], 'alice@example.org')
  t.is(mail.headers['auto-submitted'], 'auto-generated')
  t.is(mail.headers['list-unsubscribe'], '<https://example.org/u?t=1>')
  t.regex(mail.headers['subject'] ?? '', /^=\?UTF-8\?/)
  t.is(mail.text.trim(), 'Straße 😀')
  t.regex(mail.raw, /Content-Type: text\/calendar; charset=utf-8; method=REQUEST/)
  t.regex(mail.raw, /Content-Disposition: attachment/)
})

test('nothing in a message adds a header or a recipient', async t => {
  const { port, mails } = await sink(t)
  const out = mailer(t, port)
  await out.send({
    ...MAIL,
    subject: 'a\r\nBcc: eve@example.org\r\n\r\nb',
    text: '.\r\n.\r\nRCPT TO:<eve@example.org>',
  })
  const [mail] = mails
  t.deepEqual(mail?.to, ['alice@example.org'])
  t.is(mail?.headers['subject'], 'a Bcc: eve@example.org b')
  t.is(mail?.headers['bcc'], undefined)

  const invalid: Partial<Mail>[] = [
    ...['a@b, c@d', 'a@b\r\nBcc: c@d', 'Alice <a@b>', 'a', ''].map(to => ({ to })),
    { headers: { 'X-Room': 'a\nBcc: b@c' } },
    { headers: { 'X-Room: a\r\nBcc': 'b' } },
    { alternatives: [{ contentType: 'text/plain\r\nX: y', content: '' }] },
    { attachments: [{ filename: 'a\nb', contentType: 'text/plain', content: '' }] },
  ]
  for (const part of invalid) {
    const error = await failure(t, out.send({ ...MAIL, ...part }))
    t.deepEqual([error.kind, error.permanent], ['invalid', true], JSON.stringify(part))
  }
  t.is(mails.length, 1)
})

test('it says how a mail server failed, and whether trying again may help', async t => {
  const refuse = (responseCode: number) =>
    sink(t, {
      onRcptTo: (_address, _session, callback) => callback(Object.assign(new Error('no'), { responseCode })),
    })
  for (const [code, permanent] of [
    [550, true],
    [451, false],
  ] as const) {
    const error = await failure(t, mailer(t, (await refuse(code)).port).send(MAIL))
    t.deepEqual([error.kind, error.permanent], ['refused', permanent])
  }
  const gone = await openMailSink()
  await gone.close()
  t.is((await failure(t, mailer(t, gone.port).send(MAIL))).kind, 'unreachable')
})

test('it waits no longer than its time, and lets no more than so many wait', async t => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  t.teardown(() => void silent.close())
  await new Promise(resolve => silent.once('listening', resolve))
  const clock = new FakeClock()
  const out = mailer(t, (silent.address() as { port: number }).port, { clock })
  const waiting = Array.from({ length: 500 }, () => failure(t, out.send(MAIL)))
  t.is((await failure(t, out.send(MAIL))).kind, 'busy')
  await clock.advance(60_000)
  t.deepEqual([...new Set((await Promise.all(waiting)).map(error => error.kind))], ['timeout'])
})

test('it logs in, over TLS that it verifies', async t => {
  const authority = await createAuthority()
  const caFile = join(temporaryDirectory(t), 'ca.pem')
  writeFileSync(caFile, authority.pem)
  const certificate = await authority.issue(['127.0.0.1'])
  const users: (string | undefined)[] = []
  const secured = (secure: boolean) =>
    sink(t, {
      ...{ ...certificate, secure, disabledCommands: [], authOptional: false },
      onAuth: ({ username, password }, _session, callback) => {
        users.push(username)
        if (password === 'secret') callback(null, { user: username })
        else callback(new Error('wrong'))
      },
    })
  const login = { user: 'tessera', password: 'secret', caFile }
  for (const tls of ['starttls', 'implicit'] as const) {
    const { port, mails } = await secured(tls === 'implicit')
    await mailer(t, port, { ...login, tls }).send(MAIL)
    t.is(mails.length, 1, tls)
    const probed = { host: '127.0.0.1', port, tls, from: 'a@b', clock: new FakeClock(), ...login }
    await probeMailServer(probed)
    await t.throwsAsync(probeMailServer({ ...probed, password: 'guess' }), { instanceOf: MailError })
    const wrong = await failure(t, mailer(t, port, { ...login, tls, password: 'guess' }).send(MAIL))
    t.is(wrong.kind, 'unreachable')
    const { caFile: _, ...untrusting } = { ...login, tls }
    t.is((await failure(t, mailer(t, port, untrusting).send(MAIL))).kind, 'unreachable')
  }
  t.deepEqual([...new Set(users)], ['tessera'])
  t.is(users.length, 8)

  // A server that offers no TLS gets neither password nor message, unless that is what was asked for.
  const plain = await sink(t)
  t.is((await failure(t, mailer(t, plain.port, { tls: 'starttls', caFile }).send(MAIL))).kind, 'unreachable')
  t.is(plain.mails.length, 0)
  await mailer(t, plain.port, { tls: 'opportunistic', caFile }).send(MAIL)
  t.is(plain.mails.length, 1)
})
