/** Calendar parts, read by a parser that is not ours (ical.js). */
import test from 'ava'
import ICAL from 'ical.js'
import { readLines, writeLines } from '../../core/icalendar.ts'
import type { InvitationRecord } from '../../storage/invitations/records.ts'
import { calendarOf, matrixUri } from './calendar.ts'
import { readReply } from './replies.ts'

const START = Date.UTC(2026, 5, 1, 15)
const RECORD: InvitationRecord = {
  roomId: '!room:a.test',
  userId: '@b:b.test',
  recordId: 'r1',
  inviter: '@a:a.test',
  status: 'invited',
  createdTs: Date.UTC(2026, 4, 1),
  updatedTs: Date.UTC(2026, 4, 2),
  expiresTs: undefined,
  deliverTs: undefined,
  sequence: 2,
  silent: false,
  eventId: '$1',
  details: {
    comment: 'Tee, Kuchen; <b>und</b>\nmehr\u0007',
    event: { start: START, end: START + 3_600_000 },
  },
  dueTs: undefined,
}
const NASTY = 'Ada "the" Countess; of: Lovelace,\r\nBEGIN:VALARM ^n'

const parse = (record: InvitationRecord) => {
  const { text, ...part } = calendarOf({
    record,
    organizer: { uri: matrixUri(record.inviter), name: NASTY },
    attendee: { uri: matrixUri(record.userId), name: undefined },
    roomName: `Tee${'é'.repeat(100)}`,
  })
  const calendar = new ICAL.Component(ICAL.parse(text))
  const [event, ...others] = calendar.getAllSubcomponents()
  if (event === undefined || others.length > 0) throw new Error('not one event')
  return { text, part, calendar, component: event, event: new ICAL.Event(event) }
}

test('an invitation is an iTIP REQUEST', t => {
  const { text, part, calendar, event, component } = parse(RECORD)
  t.is(part.contentType, 'text/calendar; charset=utf-8; method=REQUEST; component=VEVENT')
  t.is(calendar.getFirstPropertyValue('method'), 'REQUEST')
  t.is(event.uid, 'r1')
  t.is(event.sequence, 2)
  t.is(event.startDate.toJSDate().getTime(), START)
  t.is(event.endDate.toJSDate().getTime(), START + 3_600_000)
  t.is(event.summary, `Tee${'é'.repeat(100)}`)
  t.true(event.description.startsWith('Tee, Kuchen; <b>und</b>\nmehr\n\nhttps://matrix.to/#/'))
  t.is(component.getFirstPropertyValue('url'), 'https://matrix.to/#/!room%3Aa.test?via=a.test')
  const organizer = component.getFirstProperty('organizer')
  t.is(organizer?.getFirstValue(), 'matrix:u/a:a.test')
  t.is(organizer?.getFirstParameter('cn'), NASTY.replace('\r\n', '\n'), 'nothing in a name becomes syntax')
  const [attendee] = event.attendees
  t.is(attendee?.getFirstParameter('partstat'), 'NEEDS-ACTION')
  t.is(attendee?.getFirstParameter('rsvp'), 'TRUE')
  t.regex(
    text.replaceAll('\r\n ', ''),
    /^ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:matrix/m,
  )
  for (const line of text.split('\r\n')) t.true(Buffer.byteLength(line) <= 75)
})

test('what becomes of it shows in calendars', t => {
  const partstat = (status: InvitationRecord['status']) => {
    const { event, calendar } = parse({ ...RECORD, status })
    return [calendar.getFirstPropertyValue('method'), event.attendees[0]?.getFirstParameter('partstat')]
  }
  t.deepEqual(partstat('accepted'), ['REQUEST', 'ACCEPTED'])
  t.deepEqual(partstat('declined'), ['REQUEST', 'DECLINED'])
  for (const status of ['cancelled', 'expired'] as const) {
    const { calendar, component } = parse({ ...RECORD, status, sequence: 3 })
    t.is(calendar.getFirstPropertyValue('method'), 'CANCEL')
    t.is(component.getFirstPropertyValue('status'), 'CANCELLED')
    t.is(Number(component.getFirstPropertyValue('sequence')), 3)
  }
})

test('an invitation to no event takes up no time', t => {
  const { event, component } = parse({ ...RECORD, details: { uid: 'theirs' } })
  t.is(event.uid, 'theirs')
  t.is(event.startDate.toJSDate().getTime(), RECORD.createdTs)
  t.is(event.duration.toSeconds(), 0)
  t.is(component.getFirstPropertyValue('transp'), 'TRANSPARENT')
})

test('replies of another program are read', t => {
  const { component } = parse(RECORD)
  const reply = new ICAL.Component('vcalendar')
  reply.addPropertyWithValue('method', 'REPLY')
  const answer = new ICAL.Component('vevent')
  for (const name of ['uid', 'sequence', 'organizer']) {
    const property = component.getFirstProperty(name)
    if (property) answer.addProperty(property)
  }
  const attendee = answer.addPropertyWithValue('attendee', 'matrix:u/b:b.test')
  attendee.setParameter('partstat', 'DECLINED')
  attendee.setParameter('cn', 'B: "so, what"')
  answer.addPropertyWithValue('comment', 'no time, sorry\nnext week')
  reply.addSubcomponent(answer)
  t.deepEqual(readReply(reply.toString()), {
    ...{ uid: 'r1', sequence: 2, attendee: 'matrix:u/b:b.test', partstat: 'DECLINED' },
    comment: 'no time, sorry\nnext week',
  })
})

test('what is no reply is refused', t => {
  const lines = (...inner: string[]) =>
    ['BEGIN:VCALENDAR', 'METHOD:REPLY', 'BEGIN:VEVENT', ...inner, 'END:VEVENT', 'END:VCALENDAR'].join('\r\n')
  const attendee = 'ATTENDEE;PARTSTAT=ACCEPTED:matrix:u/b:b.test'
  t.notThrows(() => readReply(lines('UID:1', attendee)))
  const bad = [
    '',
    'hello',
    lines(),
    lines('UID:1'),
    lines(attendee),
    lines('UID:1', attendee, attendee),
    lines('UID:1', 'UID:2', attendee),
    lines('UID:1', 'SEQUENCE:-1', attendee),
    lines('UID:1', 'SEQUENCE:x', attendee),
    lines('UID:1', attendee).replace('REPLY', 'REQUEST'),
    lines('UID:1', attendee, 'END:VEVENT', 'BEGIN:VEVENT'),
  ]
  for (const text of bad) t.throws(() => readReply(text), { message: /cannot be taken/ }, text)
})

test('lines are read as they were written', t => {
  const written = [
    { name: 'X-A', parameters: { CN: 'a;b:c,"d" ^ e', ROLE: '' }, value: 'x'.repeat(300) },
    { name: 'X-B', parameters: {}, value: ':;,"\t' },
  ]
  t.deepEqual(
    readLines(writeLines(written)).map(line => ({ ...line, parameters: { ...line.parameters } })),
    written,
  )
  t.deepEqual(readLines('NO VALUE\r\nX;=1:2\r\n:\r\nX;A=1'), [])
})
