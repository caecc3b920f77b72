import test from 'ava'
import type { MatrixError } from '../../core/errors.ts'
import { checkTerms } from '../../core/invitation-terms.ts'
import type { JsonObject, JsonValue } from '../../core/json.ts'
import type { InvitationRecord } from '../../storage/invitations/records.ts'
import {
  answered,
  declinedUntold,
  ended,
  endedUntold,
  type InvitationChange,
  invited,
  restored,
  scheduled,
} from './status.ts'

const ROOM = '!room:a.test'
const A = '@a:a.test'
const B = '@b:b.test'

const invitation = (eventId: string, content: JsonObject = {}, now = 1_000): InvitationChange =>
  invited(
    { eventId, roomId: ROOM, sender: A, stateKey: B, content: { membership: 'invite', ...content } },
    now,
  )

const answer = (sender: string, content: JsonObject, ts = 2_000): InvitationChange =>
  answered({ sender, stateKey: B, content, originServerTs: ts }, ts)

const after = (...changes: InvitationChange[]): InvitationRecord | undefined =>
  changes.reduce<InvitationRecord | undefined>((record, change) => change(record) ?? record, undefined)

const plan = (recordId: string, now = 500) =>
  scheduled(
    {
      roomId: ROOM,
      userId: B,
      inviter: A,
      recordId,
      deliverTs: 900,
      terms: { comment: 'soon' },
      content: {},
    },
    now,
  )

test('an invitation carries its terms, and tells when it ends', t => {
  const record = after(
    invitation('$1', { reason: '<b>come</b>\u0000', 'chat.tessera.invitation': { expires_ts: 5_000 } }),
  )
  t.like(record, { status: 'invited', inviter: A, userId: B, expiresTs: 5_000, dueTs: 5_000, sequence: 0 })
  t.is(record?.details.comment, '<b>come</b>\u0000', 'as given')
})

test('terms of a wrong shape are as good as absent', t => {
  const wrong = { expires_ts: '5', event: { start: -1 }, uid: 'two words' }
  const record = after(invitation('$1', { reason: 7, 'chat.tessera.invitation': wrong }))
  t.is(record?.expiresTs, undefined)
  t.deepEqual(record?.details, {})
  const backwards = { event: { start: 9_000, end: 8_000, summary: 1 } }
  t.deepEqual(after(invitation('$1', { 'chat.tessera.invitation': backwards }))?.details, {
    event: { start: 9_000 },
  })
})

test('what local users write into a member event by hand is checked as well', t => {
  const now = 1_000_000
  const century = 100 * 366 * 24 * 60 * 60_000
  const refusal = (terms: JsonValue) =>
    (t.throws(() => checkTerms({ 'chat.tessera.invitation': terms }, now)) as MatrixError).errcode
  for (const terms of [
    7,
    'soon',
    [],
    { expires_ts: '5' },
    { event: 1 },
    { event: {} },
    { event: { start: '1' } },
  ])
    t.is(refusal(terms), 'M_BAD_JSON', JSON.stringify(terms))
  for (const event of [
    { start: now, end: '2' },
    { start: now, summary: 3 },
  ])
    t.is(refusal({ event }), 'M_BAD_JSON', JSON.stringify(event))
  for (const expires_ts of [0, now, now - 1, now + century, 2 ** 60])
    t.is(refusal({ expires_ts }), 'M_INVALID_PARAM', String(expires_ts))
  for (const event of [
    { start: now - 9 },
    { start: -1, end: now + 9 },
    { start: now + 9, end: now },
    { start: now + century },
  ])
    t.is(refusal({ event }), 'M_INVALID_PARAM', JSON.stringify(event))
  const good = { expires_ts: now + 1, event: { start: now + 5, end: now + 6, summary: 'Tea' }, uid: 'x' }
  t.notThrows(() => checkTerms({ 'chat.tessera.invitation': good }, now))
  t.notThrows(() => checkTerms({ membership: 'invite' }, now))
})

test('what the invited do decides, and only once', t => {
  const open = invitation('$1')
  t.is(after(open, answer(B, { membership: 'join' }))?.status, 'accepted')
  t.is(after(open, answer(A, { membership: 'leave' }))?.status, 'cancelled')
  t.is(after(open, answer(A, { membership: 'ban' }))?.status, 'cancelled')
  t.is(after(open, answer(B, { membership: 'knock' }))?.status, 'invited')
  const declined = after(open, answer(B, { membership: 'leave', reason: 'no time' }))
  t.like(declined, { status: 'declined', silent: false, dueTs: undefined, sequence: 0 })
  t.is(declined?.details.answer, 'no time')
  t.is(answer(B, { membership: 'join' })(declined), undefined, 'it is over')
  t.is(open(declined), undefined, 'the same event does not open it again')
})

test('a silent no says nothing', t => {
  const declined = after(invitation('$1'), answer(B, { membership: 'leave', 'chat.tessera.silent': true }))
  t.like(declined, { status: 'declined', silent: true })
})

test('what is withdrawn after its time has expired', t => {
  const open = invitation('$1', { 'chat.tessera.invitation': { expires_ts: 5_000 } })
  t.is(after(open, answer(A, { membership: 'leave' }, 4_999))?.status, 'cancelled')
  t.is(after(open, answer(A, { membership: 'leave' }, 5_000))?.status, 'expired')
  const said = { membership: 'leave', 'chat.tessera.invitation': { expired: true } }
  t.is(after(open, answer(A, said, 4_999))?.status, 'expired', 'clocks differ')
  t.is(after(open, ended('expired', 5_000))?.status, 'expired', 'by our own clock')
})

test('inviting again changes the same invitation; after its end it is another', t => {
  const first = after(invitation('$1', { reason: 'come' }))
  const again = after(invitation('$1', { reason: 'come' }), invitation('$2', { reason: 'do come' }, 3_000))
  t.like(again, { recordId: first?.recordId, createdTs: 1_000, updatedTs: 3_000, sequence: 1 })
  t.is(again?.details.comment, 'do come')
  const anew = after(
    invitation('$1'),
    answer(B, { membership: 'leave', reason: 'no' }),
    invitation('$2', {}, 3_000),
  )
  t.like(anew, { status: 'invited', createdTs: 3_000, sequence: 0 })
  t.not(anew?.recordId, first?.recordId)
  t.deepEqual(anew?.details, {}, 'nothing is left of the old one')
})

test('what a conflict restores is open again, unless its end was never told: an answer is told at once then', t => {
  const no = answer(B, { membership: 'leave', reason: 'no' })
  t.like(after(invitation('$1'), no, restored('$1', 9_000)), { status: 'invited', updatedTs: 9_000 })
  t.is(after(invitation('$1'), no, restored('$2', 9_000))?.status, 'declined', 'another one')
  const untold = [invitation('$1'), no, declinedUntold({ reason: 'no' }, 2_000)]
  const postponed: InvitationChange = record => record && { ...record, dueTs: 60_000 }
  t.like(after(...untold, postponed, restored('$1', 9_000)), { status: 'declined', dueTs: 9_000 })
  const expired = endedUntold('expired', 5_000, { leave: {}, dueTs: 20_000 })
  t.like(after(invitation('$1'), expired, restored('$1', 9_000)), { status: 'expired', dueTs: 20_000 })
})

test('a scheduled invitation becomes the one that was delivered', t => {
  t.like(after(plan('r1')), { status: 'scheduled', dueTs: 900, deliverTs: 900 })
  const delivered = after(plan('r1'), invitation('$1', { 'chat.tessera.invitation': { uid: 'r1' } }))
  t.like(delivered, { status: 'invited', recordId: 'r1', createdTs: 500, dueTs: undefined, deliverTs: 900 })
  const replaced = after(plan('r1'), plan('r2', 600))
  t.like(replaced, { recordId: 'r1', sequence: 1, createdTs: 500, updatedTs: 600 })
  const elsewise = after(plan('r1'), invitation('$1'))
  t.not(elsewise?.recordId, 'r1', 'somebody else was quicker')
  t.is(after(plan('r1'), answer(B, { membership: 'join' }))?.status, 'scheduled', 'delivery finds out')
})
