import test from 'ava'
import { allVersions, pduOf } from '../../test-kit/pdus.ts'
import { contentHash, eventIdOf } from '../hashes.ts'
import type { JsonValue } from '../json.ts'
import { clientEvent } from './client-event.ts'
import { parsePdu, trustedEvent } from './format.ts'
import { redactPdu } from './redaction.ts'
import { boundedSticky, STICKY, stickyDuration, stickyUntil } from './stickiness.ts'

const durationOf = (sticky: JsonValue): number | undefined => stickyDuration({ pdu: { [STICKY]: sticky } })

test('only a whole number of milliseconds makes an event sticky, for an hour at most', t => {
  t.is(durationOf({ duration_ms: 0 }), 0)
  t.is(durationOf({ duration_ms: 600_000 }), 600_000)
  t.is(durationOf({ duration_ms: 3_600_001 }), 3_600_000)
  for (const duration of [-1, 1.5, '600000', null, true, [600_000], 2 ** 53])
    t.is(durationOf({ duration_ms: duration }), undefined, JSON.stringify(duration))
  for (const sticky of [600_000, 'yes', null, [], {}]) t.is(durationOf(sticky), undefined)
  t.is(stickyDuration({ pdu: {} }), undefined)
  t.deepEqual([undefined, 5, 1e300].map(boundedSticky), [undefined, 5, 3_600_000])
})

test('it begins when the event was sent, and not after it came', t => {
  const sent = (originServerTs: number) => ({ pdu: { [STICKY]: { duration_ms: 1_000 } }, originServerTs })
  t.is(stickyUntil(sent(5_000), 5_500), 6_000)
  t.is(stickyUntil(sent(99_000), 5_500), 6_500, 'a clock that is ahead gains nothing')
  t.is(stickyUntil(sent(4_500), 5_500), undefined, 'it has run out on the way')
  t.is(stickyUntil({ pdu: {}, originServerTs: 5_000 }, 5_000), undefined)
})

for (const each of allVersions) {
  test(`it is hashed, and not protected from redaction, in version ${each.id}`, t => {
    const plain = pduOf(each)
    const sticky = { ...plain, [STICKY]: { duration_ms: 600_000 } }
    t.not(contentHash(sticky), contentHash(plain))
    t.is(eventIdOf(sticky, each), eventIdOf(plain, each))
    t.deepEqual(redactPdu(sticky, each), redactPdu(plain, each))
    for (const value of [{ duration_ms: 600_000 }, 'odd', { duration_ms: 'odd' }])
      t.true('event' in parsePdu({ ...plain, [STICKY]: value }, each), 'nothing in it makes an event invalid')
    const shown = (pdu: typeof plain) => clientEvent(trustedEvent(pdu, '$id', each), { roomId: true })
    t.deepEqual(shown(sticky)[STICKY], { duration_ms: 600_000 })
    t.false(STICKY in shown(redactPdu(sticky, each)))
  })
}
