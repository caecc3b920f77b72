/** Invitations by mail: to people who have confirmed an address, and to addresses of which no more is known. */
import test, { type ExecutionContext } from 'ava'
import { startAdministered } from '../../test-kit/administrator.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { code, invitedTo, TERMS } from '../../test-kit/invitations.ts'
import { type MailSink, openMailSink, type SunkMail } from '../../test-kit/mail-sink.ts'
import { newPerson, type Person } from '../../test-kit/people.ts'
import { type RunningTestServer, startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'

let sink: MailSink
let server: RunningTestServer

test.before(async () => {
  sink = await openMailSink()
  server = await startTestServer({ settings: { email: sink.settings } })
})
test.after.always(async () => {
  await server.close()
  await sink.close()
})

const SECRET = 'a-secret'
const INVITATIONS = '/_matrix/client/v1/chat.tessera/invitations'

type Shown = {
  readonly status: string
  readonly reason?: string
  readonly invited: { readonly user_id?: string; readonly address?: string }
}

const list = async (person: Person, direction: string): Promise<readonly Shown[]> => {
  const target = `${INVITATIONS}?direction=${direction}`
  const { body } = await server.request('GET', target, { token: person.account.accessToken })
  return (body as { invitations: readonly Shown[] }).invitations
}

/** Adds an address to an account, following the link that is mailed. */
const addAddress = async (t: ExecutionContext, person: Person, email: string): Promise<void> => {
  const asked = { client_secret: SECRET, email, send_attempt: 1 }
  const { sid } = await person.api('POST', '/account/3pid/email/requestToken', asked)
  const mail = await sink.next()
  t.deepEqual(mail.to, [email])
  const link = new URL(/http\S+/.exec(mail.text)?.[0] ?? '')
  const body = `token=${encodeURIComponent(link.searchParams.get('token') ?? '')}`
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  t.is((await server.request('POST', link.pathname, { body, headers })).status, 200)
  const identifier = { type: 'm.id.user', user: person.userId }
  const auth = { type: 'm.login.password', identifier, password: TEST_PASSWORD }
  await person.api('POST', '/account/3pid/add', { client_secret: SECRET, sid, auth })
}

/** The calendar part of a mail, decoded. */
const calendarIn = ({ raw }: SunkMail): string => {
  const [, head = '', body = ''] =
    /\r\n(Content-Type: text\/calendar[\s\S]*?)\r\n\r\n([\s\S]*?)\r\n--/i.exec(raw) ?? []
  return /base64/i.test(head)
    ? Buffer.from(body, 'base64').toString('utf8')
    : body.replaceAll('=\r\n', '').replaceAll('=3D', '=')
}

test.serial(
  'who has confirmed an address gets invitations by mail, and may answer from the calendar',
  async t => {
    const [a, b] = [await newPerson(server, 'alice'), await newPerson(server, 'bob')]
    await addAddress(t, b, 'bob@example.org')
    const roomId = await a.createRoom({ name: 'Tea' })
    const event = { start: Date.now() + 3_600_000, summary: 'Tea time' }
    await a.change('invite', roomId, b, { reason: '<b>come</b>', [TERMS]: { event } })
    const mail = await sink.next()
    t.deepEqual(mail.to, ['bob@example.org'])
    t.regex(mail.headers['subject'] ?? '', /^alice\d* invites you to Tea$/)
    t.true(mail.text.includes('<b>come</b>'))
    const request = calendarIn(mail)
    t.regex(request, /^METHOD:REQUEST\r$/m)
    t.regex(request.replaceAll('\r\n ', ''), /^ORGANIZER;CN=alice\d*:mailto:noreply@example.org\r$/m)

    const [, uid = ''] = /^UID:(.*)\r$/m.exec(request) ?? []
    const reply = [
      ...['BEGIN:VCALENDAR', 'METHOD:REPLY', 'BEGIN:VEVENT', `UID:${uid}`],
      ...['ATTENDEE;PARTSTAT=DECLINED:MAILTO:Bob@example.org', 'END:VEVENT', 'END:VCALENDAR', ''],
    ].join('\r\n')
    const target = `${INVITATIONS}/${encodeURIComponent(roomId)}/reply`
    const headers = { 'content-type': 'text/calendar' }
    const answered = await server.request('POST', target, {
      ...{ token: b.account.accessToken, headers, body: reply },
    })
    t.is(answered.status, 200)
    t.is((await list(a, 'sent'))[0]?.status, 'declined')

    // In the language that the invited person's client asks for; nothing that is written hides or moves anything.
    await b.api('POST', '/pushers/set', {
      ...{ app_id: 'a', pushkey: 'k', kind: 'http', app_display_name: 'A', device_display_name: 'D' },
      ...{ lang: 'fr-CA', data: { url: 'https://localhost/_matrix/push/v1/notify' } },
    })
    await a.change('invite', roomId, b, { reason: 'one\u202e\u0007\n<i>two</i>' })
    const again = await sink.next()
    t.regex(calendarIn(again), /METHOD:REQUEST/)
    t.regex(again.headers['subject'] ?? '', /^alice\d* vous invite : Tea$/)
    t.regex(again.text, /^one\r?\n<i>two<\/i>\r?$/m)
    t.regex(again.text, /^Ouvrir le salon/m)
    await a.change('kick', roomId, b)
    const cancelled = await sink.next()
    t.regex(cancelled.headers['subject'] ?? '', /^=\?UTF-8\?Q\?Invitation_retir=C3=A9e_=3A_Tea\?=$/)
    t.regex(calendarIn(cancelled), /METHOD:CANCEL[\s\S]*SEQUENCE:1/)
  },
)

test.serial('nobody is mailed twice that an invitation is taken back', async t => {
  const [a, b, c] = [await newPerson(server), await newPerson(server), await newPerson(server)]
  await addAddress(t, c, 'twice@example.org')
  const roomId = await a.createRoom({ name: 'Tea', invite: [b.userId] })
  await b.change('join', roomId)
  await b.change('invite', roomId, c)
  t.regex(calendarIn(await sink.next()), /METHOD:REQUEST/)
  // Who may not kick has it withdrawn on behalf of the invited person; that the room knows by then is written later.
  const target = `${INVITATIONS}/${encodeURIComponent(roomId)}/${encodeURIComponent(c.userId)}`
  t.is((await server.request('DELETE', target, { token: b.account.accessToken })).status, 200)
  t.regex(calendarIn(await sink.next()), /METHOD:CANCEL/)
  const member = `/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(c.userId)}`
  const isTold = async () => (await a.api('GET', member))['membership'] === 'leave'
  await eventually('the room is told', isTold)
  await b.change('invite', roomId, c, { reason: 'again' })
  t.regex(calendarIn(await sink.next()), /METHOD:REQUEST/, 'the next invitation, not the end of the last one')
})

test.serial('somebody is invited by an address, and is in the room’s sight once it is theirs', async t => {
  const [a, c] = [await newPerson(server, 'alice'), await newPerson(server, 'carol')]
  const roomId = await a.createRoom({ name: 'Tea' })
  const path = `/rooms/${encodeURIComponent(roomId)}/invite`
  const byAddress = {
    id_server: 'id.test',
    id_access_token: 'x',
    medium: 'email',
    address: 'Carol@Example.org',
  }
  await a.api('POST', path, { ...byAddress, reason: 'welcome' })
  const mail = await sink.next()
  t.deepEqual(mail.to, ['carol@example.org'])
  t.regex(mail.text, /Make an account on localhost/)
  const [held] = await list(a, 'sent')
  t.like(held, { status: 'scheduled', reason: 'welcome', invited: { address: 'carol@example.org' } })
  // The same again is nothing new, and is not mailed.
  await a.api('POST', path, { ...byAddress, reason: 'welcome' })
  await addAddress(t, c, 'carol@example.org')
  await eventually('she is invited', async () => (await list(c, 'received')).length === 1)
  t.like((await list(c, 'received'))[0], { status: 'invited', reason: 'welcome' })
  t.deepEqual(
    (await list(a, 'sent')).map(({ invited }) => invited.user_id),
    [c.userId],
    'one invitation, of somebody who is known now',
  )
  await sink.next()

  const other = await a.createRoom()
  await a.api('POST', `/rooms/${encodeURIComponent(other)}/invite`, byAddress)
  t.is((await list(c, 'received')).length, 2, 'whoever is known is invited at once')
  await sink.next()
})

test.serial('an invitation by address can be taken back; what is no address is refused', async t => {
  const [a, b] = [await newPerson(server, 'alice'), await newPerson(server, 'bob')]
  const roomId = await a.createRoom({
    invite_3pid: [{ medium: 'email', address: 'dave@example.org' }],
  })
  t.deepEqual((await sink.next()).to, ['dave@example.org'])
  const target = `${INVITATIONS}/${encodeURIComponent(roomId)}/${encodeURIComponent('mailto:dave@example.org')}`
  t.is((await server.request('DELETE', target, { token: b.account.accessToken })).status, 404)
  t.is((await server.request('DELETE', target, { token: a.account.accessToken })).status, 200)
  t.regex(calendarIn(await sink.next()), /METHOD:CANCEL/)
  t.is((await list(a, 'sent'))[0]?.status, 'cancelled')
  const invite = (person: Person, body: object) =>
    code(person.api('POST', `/rooms/${encodeURIComponent(roomId)}/invite`, body))
  t.is(await invite(a, { medium: 'msisdn', address: '4912345' }), '400 M_THREEPID_MEDIUM_NOT_SUPPORTED')
  t.is(await invite(a, { medium: 'email', address: 'dave' }), '400 M_INVALID_PARAM')
  t.is(await invite(b, { medium: 'email', address: 'eve@example.org' }), '403 M_FORBIDDEN')
  const eve = { medium: 'email', address: 'eve@example.org', reason: '\ud800' }
  t.is(await invite(a, eve), '400 M_BAD_JSON')
  t.is(await invite(a, { medium: 'email' }), '400 M_MISSING_PARAM')
})

test.serial('what is held for an address finds its owner whichever way they have got it', async t => {
  const clock = new FakeClock()
  const { server: other, ask } = await startAdministered({ clock, settings: { email: sink.settings } })
  t.teardown(other.close)
  const [a, e] = [await newPerson(other, 'alice'), await newPerson(other, 'erin')]
  const roomId = await a.createRoom({ name: 'Tea' })
  const erin = { medium: 'email', address: 'erin@example.org' }
  await a.api('POST', `/rooms/${encodeURIComponent(roomId)}/invite`, erin)
  t.deepEqual((await sink.next()).to, ['erin@example.org'])
  await ask('PUT', `/v2/users/${e.userId}`, { threepids: [erin] })
  await clock.leap(3_600_000)
  await eventually('she is invited', async () => (await invitedTo(e)).includes(roomId))
  await sink.next()
})
