/** Invitations that are about an event of a calendar. */
import test, { type TestFn } from 'ava'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { ask, HOUR, one, path, TERMS } from '../../test-kit/invitations.ts'
import { newPerson, type Person, serverTests } from '../../test-kit/people.ts'

const clock = new FakeClock()
const onServer = serverTests(test.serial as TestFn, { clock })

onServer('an invitation is put into a calendar, which answers', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom({ name: 'Tea' })
  const event = { start: clock.now() + HOUR, end: clock.now() + 2 * HOUR, summary: 'Tea time' }
  await a.change('invite', roomId, b, { reason: 'come', [TERMS]: { event } })
  const fetchCalendar = async (person: Person) => {
    const target = `${path(roomId, 'invite.ics')}?user_id=${encodeURIComponent(b.userId)}`
    const response = await fetch(`${server.url}${target}`, {
      headers: { authorization: `Bearer ${person.account.accessToken}` },
    })
    t.regex(response.headers.get('content-type') ?? '', /^text\/calendar/)
    const text = await response.text()
    return {
      property: (name: string) => new RegExp(`^${name}[;:].*`, 'm').exec(text)?.[0].trim(),
      uid: /^UID:(.+)\r$/m.exec(text)?.[1] ?? '',
    }
  }
  const request = await fetchCalendar(b)
  t.is(request.property('METHOD'), 'METHOD:REQUEST')
  t.is(request.property('SUMMARY'), 'SUMMARY:Tea time')
  t.is((await fetchCalendar(a)).uid, request.uid)

  const reply = async (person: Person, changes: Record<string, string> = {}) => {
    const lines = {
      ...{ UID: request.uid, SEQUENCE: '0', PARTSTAT: 'ACCEPTED', ATTENDEE: `matrix:u/${b.userId.slice(1)}` },
      ...changes,
    }
    const body = [
      ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'METHOD:REPLY', 'BEGIN:VEVENT', `UID:${lines.UID}`],
      ...[`SEQUENCE:${lines.SEQUENCE}`, `ATTENDEE;PARTSTAT=${lines.PARTSTAT}:${lines.ATTENDEE}`],
      ...['COMMENT:with pleasure', 'END:VEVENT', 'END:VCALENDAR', ''],
    ].join('\r\n')
    const response = await fetch(`${server.url}${path(roomId, 'reply')}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${person.account.accessToken}`, 'content-type': 'text/calendar' },
      body,
    })
    const { errcode } = (await response.json()) as { errcode?: string }
    return `${response.status} ${errcode ?? '-'}`
  }
  t.is(await reply(a), '404 M_NOT_FOUND', 'it is not their invitation')
  t.is(await reply(b, { ATTENDEE: `matrix:u/${a.userId.slice(1)}` }), '403 M_FORBIDDEN')
  t.is(await reply(b, { ATTENDEE: 'mailto:b@example.org' }), '403 M_FORBIDDEN', 'nobody has verified that')
  t.is(await reply(b, { SEQUENCE: '7' }), '400 M_BAD_STATE')
  t.is(await reply(b, { UID: 'other' }), '400 M_INVALID_PARAM')
  t.is(await reply(b, { PARTSTAT: 'TENTATIVE' }), '400 M_INVALID_PARAM')
  t.is(await reply(b, { UID: `${request.uid}\r\nX-LONG:${'x'.repeat(70_000)}` }), '413 M_TOO_LARGE')
  t.is((await one(b, roomId)).status, 'invited', 'nothing has changed')

  await a.change('invite', roomId, b, { reason: 'do come', [TERMS]: { event } })
  t.is((await fetchCalendar(b)).property('SEQUENCE'), 'SEQUENCE:1')
  t.is(await reply(b), '400 M_BAD_STATE', 'that was about the invitation as it was')
  t.is(await reply(b, { SEQUENCE: '1' }), '200 -')
  t.is((await one(a, roomId, b)).status, 'accepted')
  t.regex((await fetchCalendar(a)).property('ATTENDEE') ?? '', /PARTSTAT="?ACCEPTED/)
  t.is(await reply(b, { SEQUENCE: '1' }), '400 M_BAD_STATE', 'it is over')

  await b.change('leave', roomId)
  await a.change('invite', roomId, b, { [TERMS]: { event } })
  const again = await fetchCalendar(b)
  t.not(again.uid, request.uid)
  t.is(await reply(b, { UID: again.uid, PARTSTAT: 'DECLINED' }), '200 -')
  t.like(await one(a, roomId, b), { status: 'declined', answer: 'with pleasure' })

  await a.change('invite', roomId, b, { [TERMS]: { event } })
  await ask(a, 'DELETE', path(roomId, b.userId))
  const cancelled = await fetchCalendar(b)
  t.is(cancelled.property('METHOD'), 'METHOD:CANCEL')
  t.is(cancelled.property('SEQUENCE'), 'SEQUENCE:1', 'raised')
})
