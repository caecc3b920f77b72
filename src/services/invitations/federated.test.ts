/** Invitations between servers: two of Tessera, and one with a plain Matrix server. */
import test from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, HOUR, MINUTE, pair } from '../../test-kit/federated-invitations.ts'
import { stateAt } from '../../test-kit/federation-world.ts'
import type { Invitations } from './index.ts'

const kinds = [
  { name: 'across two servers', plain: {} },
  { name: 'where the invited user’s server is a plain one', plain: { bobs: true } },
  { name: 'where the inviter’s server is a plain one', plain: { alices: true } },
] as const

for (const { name, plain } of kinds) {
  test(`B declines, silently and with a message, ${name}`, async t => {
    const p = await pair(t, plain)
    const sides = [p.a, p.b].filter(({ invitations }) => invitations !== undefined)
    await p.invite({}, 'come')
    for (const side of sides) t.like(await p.seenBy(side), { status: 'invited', reason: 'come' })
    if (p.b.invitations !== undefined) {
      const shown = await p.seenBy(p.b)
      const created = await stateAt(p.a, p.roomId, 'm.room.create')
      const facts = {
        ...{ room_id: p.roomId, name: 'Tea', topic: '', encryption: 'cleartext', alt_aliases: [] },
        ...{ creator: ALICE, created_ts: created?.originServerTs, is_public: false },
        ...{ media: ['text', 'audio', 'video', 'screenshare'], joined_members: 1, invited_members: 1 },
      }
      t.like(shown?.room, facts, 'no second round-trip')
      if (p.a.invitations !== undefined) t.like((await p.seenBy(p.a))?.room, facts)
      t.like(shown?.inviter, { user_id: ALICE, displayname: 'alice' })
    }
    await p.b.rooms.memberships.leave({ userId: BOB, roomId: p.roomId, reason: 'no time' })
    for (const side of sides) await p.becomes(side, 'declined')
    if (p.a.invitations !== undefined) t.is((await p.seenBy(p.a))?.answer, 'no time')

    await p.invite({}, 'again')
    const content = { 'chat.tessera.silent': true }
    await p.b.rooms.memberships.leave({ userId: BOB, roomId: p.roomId, reason: 'sh', content })
    for (const side of sides) await p.becomes(side, 'declined')
    if (p.a.invitations !== undefined) {
      t.is((await p.seenBy(p.a))?.answer, undefined)
      t.true((await p.a.invitations.listing.record(ALICE, p.roomId, BOB)).silent)
    }
  })

  test(`B was offline when invited, and A is offline when B comes, ${name}`, async t => {
    const p = await pair(t, plain)
    await p.invite({})
    await p.advance(2 * HOUR)
    await p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId })
    if (p.b.invitations !== undefined) await p.becomes(p.b, 'accepted')
    if (p.a.invitations !== undefined) await p.becomes(p.a, 'accepted')
    t.is(await p.membership(), 'join')
  })

  test(`an invitation is put into a calendar ${name}`, async t => {
    const p = await pair(t, plain)
    const event = { start: p.a.clock.now() + HOUR, end: p.a.clock.now() + 2 * HOUR, summary: 'Tea time' }
    const sides = [p.a, p.b].flatMap(({ invitations }) => invitations ?? [])
    const calendarOf = async ({ listing }: Invitations) => {
      const viewer = listing === p.a.invitations?.listing ? ALICE : BOB
      const { text } = await listing.calendar(viewer, p.roomId, BOB)
      const line = (of: string) =>
        new RegExp(`^${of}[;:].*`, 'm').exec(text.replaceAll('\r\n ', ''))?.[0].trim()
      return { method: line('METHOD'), uid: line('UID'), start: line('DTSTART'), sequence: line('SEQUENCE') }
    }
    const answer = async (partstat: 'ACCEPTED' | 'DECLINED') => {
      const { replies } = p.b.invitations ?? {}
      if (replies === undefined) {
        // Where no calendar is heard, people answer in the room.
        const change = { userId: BOB, roomId: p.roomId, reason: 'a word' }
        await p.b.rooms.memberships[partstat === 'ACCEPTED' ? 'join' : 'leave'](change)
        return
      }
      const { uid = '' } = await calendarOf(p.b.invitations as Invitations)
      const lines = ['BEGIN:VCALENDAR', 'METHOD:REPLY', 'BEGIN:VEVENT', uid, 'COMMENT:a word']
      lines.push(`ATTENDEE;PARTSTAT=${partstat}:matrix:u/bob:b.test`, 'END:VEVENT', 'END:VCALENDAR')
      await replies.take({ userId: BOB }, p.roomId, lines.join('\r\n'))
    }

    await p.invite({ event }, 'come')
    const shown = await Promise.all(sides.map(calendarOf))
    for (const calendar of shown) {
      t.like(calendar, { method: 'METHOD:REQUEST', sequence: 'SEQUENCE:0' })
      t.is(calendar.uid, shown[0]?.uid, 'the same in both calendars')
      t.is(calendar.start, shown[0]?.start)
    }
    await answer('DECLINED')
    for (const site of [p.a, p.b]) if (site.invitations !== undefined) await p.becomes(site, 'declined')
    if (p.a.invitations !== undefined) t.is((await p.seenBy(p.a))?.answer, 'a word')

    await p.invite({ event }, 'once more')
    for (const side of sides) t.not((await calendarOf(side)).uid, shown[0]?.uid, 'another invitation')
    await p.withdraw()
    for (const site of [p.a, p.b]) if (site.invitations !== undefined) await p.becomes(site, 'cancelled')
    for (const side of sides)
      t.like(await calendarOf(side), { method: 'METHOD:CANCEL', sequence: 'SEQUENCE:1' }, 'raised')

    await p.invite({ event }, 'do come')
    await answer('ACCEPTED')
    for (const site of [p.a, p.b]) if (site.invitations !== undefined) await p.becomes(site, 'accepted')
    t.is(await p.membership(), 'join')
  })

  test(`an invitation is cancelled ${name}`, async t => {
    const p = await pair(t, plain)
    await p.invite({})
    await p.withdraw()
    const pending = () => p.b.core.context.read.invitations.one(BOB, p.roomId)
    await eventually('it is gone', async () => (await pending())?.status === 'cancelled')
    if (p.b.invitations !== undefined) await p.becomes(p.b, 'cancelled')
    if (p.a.invitations !== undefined) await p.becomes(p.a, 'cancelled')
    t.is(await p.membership(), 'leave')
  })
}

for (const { name, plain } of kinds.slice(0, 2)) {
  test(`an invitation expires ${name}`, async t => {
    const p = await pair(t, plain)
    await p.invite({ ttl_ms: HOUR })
    await p.advance(HOUR)
    await p.becomes(p.a, 'expired')
    if (p.b.invitations !== undefined) await p.becomes(p.b, 'expired')
    const pending = () => p.b.core.context.read.invitations.one(BOB, p.roomId)
    await eventually('it is gone', async () => (await pending())?.status !== 'invited')
    t.is(await p.membership(), 'leave', 'withdrawn on the inviter’s behalf')
    await t.throwsAsync(p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId }))
  })

  // Plain servers schedule nothing: there is no third kind.
  test(`an invitation is scheduled ${name}`, async t => {
    const p = await pair(t, plain)
    await p.invite({ delay_ms: HOUR, ttl_ms: 10 * HOUR }, 'later')
    t.is((await p.seenBy(p.a))?.status, 'scheduled')
    p.world.intercept = ({ to }) => (to === 'b.test' ? 'unreachable' : undefined)
    const tried = () => p.world.requests.filter(one => one.includes('/invite/')).length
    await p.advance(HOUR)
    await eventually('it is tried', () => tried() > 0)
    t.is((await p.seenBy(p.a))?.status, 'scheduled')
    p.world.intercept = () => undefined
    // The retry is stored a moment after the attempt.
    await eventually('it is there', async () => {
      await p.a.clock.advance(MINUTE)
      return (await p.seenBy(p.a))?.status === 'invited'
    })
    t.is((await p.b.core.context.read.invitations.one(BOB, p.roomId))?.status, 'invited')
    if (p.b.invitations !== undefined) t.like(await p.seenBy(p.b), { reason: 'later', status: 'invited' })
  })
}

test('an invitation expires by the clock of the invited where the inviter’s server is away', async t => {
  const p = await pair(t)
  await p.invite({ ttl_ms: HOUR })
  p.world.intercept = () => 'unreachable'
  await p.b.clock.advance(HOUR)
  await p.becomes(p.b, 'expired')
  t.is(await p.membership(), 'invite')
  const join = p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId })
  await t.throwsAsync(join, { message: /expired/ })
})

test('an invitation expires where the inviter’s server is a plain one', async t => {
  // A client of ours wrote its terms, which its server passes on without knowing them.
  const p = await pair(t, { alices: true })
  const content = { 'chat.tessera.invitation': { expires_ts: p.b.clock.now() + HOUR } }
  await p.a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId: p.roomId, content })
  t.like(await p.seenBy(p.b), { status: 'invited', expires_ts: p.b.clock.now() + HOUR })
  await p.advance(HOUR)
  await p.becomes(p.b, 'expired')
  t.is(await p.membership(), 'invite', 'its own server knows of no end')
  const join = p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId })
  await t.throwsAsync(join, { message: /expired/ })
})
