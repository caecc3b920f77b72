import test from 'ava'
import { openMailSink } from '../../test-kit/mail-sink.ts'
import { personOf, registerPerson } from '../../test-kit/person.ts'
import { startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

test('a client asks for e-mails about missed messages; the link in them ends them', async t => {
  const sink = await openMailSink()
  const missed_messages = { delay: '10ms', interval: '10ms' }
  const server = await startTestServer({ settings: { email: { ...sink.settings, missed_messages } } })
  t.teardown(async () => {
    await server.close()
    await sink.close()
  })
  const alice = await registerPerson(server, 'alice')
  const bob = personOf(server, await server.register('bob'))
  const linkOf = (text: string): URL => new URL(/http\S+/.exec(text)?.[0] ?? '')

  const email = 'bob@example.org'
  const request = { client_secret: 'secret', email, send_attempt: 1 }
  const { sid } = await bob.post('/account/3pid/email/requestToken', request)
  const confirmation = linkOf((await sink.next()).text)
  const body = confirmation.searchParams.toString()
  await server.request('POST', confirmation.pathname, { body, headers: FORM })
  const identifier = { type: 'm.id.user', user: 'bob' }
  const auth = { type: 'm.login.password', identifier, password: TEST_PASSWORD }
  const pusher = {
    ...{ kind: 'email', app_id: 'm.email', pushkey: email, lang: 'de-AT', data: {} },
    ...{ app_display_name: 'E-mail', device_display_name: email },
  }
  t.is(await bob.code('POST', '/pushers/set', pusher), '400 M_THREEPID_NOT_FOUND')
  await bob.post('/account/3pid/add', { sid, client_secret: 'secret', auth })
  await bob.post('/pushers/set', pusher)
  t.like(await bob.get('/pushers'), { pushers: [{ kind: 'email', pushkey: email, app_id: 'm.email' }] })

  const roomId = await alice.createOpenRoom({ name: 'Tea' })
  await bob.join(roomId)
  await alice.say(roomId, 'The water boils')
  const mail = await sink.next()
  t.deepEqual(mail.to, [email])
  t.regex(mail.text, /Tea\s+alice: The water boils/)
  t.is(mail.headers['list-unsubscribe-post'], 'List-Unsubscribe=One-Click')
  const { pathname, search } = linkOf(mail.headers['list-unsubscribe']?.replace(/[<>]/g, '') ?? '')
  const page = await server.request('GET', pathname + search)
  t.true(String(page.body).includes(email))
  t.regex(String(page.body), /<html lang="de">.*Keine E-Mails mehr\?/s, 'in the language of the pusher')
  t.like(await bob.get('/pushers'), { pushers: [{ pushkey: email }] }, 'looking ends nothing')
  const oneClick = { body: 'List-Unsubscribe=One-Click', headers: FORM }
  t.is((await server.request('POST', pathname + search, oneClick)).status, 200)
  t.deepEqual(await bob.get('/pushers'), { pushers: [] })
  const link = `${server.url}${pathname}`
  t.is((await fetch(link + search)).status, 404)
  t.is((await fetch(`${link}?token=guess`, { method: 'POST', ...oneClick })).status, 404)
})
