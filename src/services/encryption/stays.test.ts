import test from 'ava'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { Stays } from './stays.ts'

/** What somebody was from a position on; the `auth` of a join is what its author held them to be before. */
interface Turn {
  readonly from: number
  readonly is: 'join' | 'leave' | 'nothing'
  readonly id?: string
  readonly auth?: string
}

const staysOf = (turns: readonly Turn[]): Stays => {
  const events = turns.map(({ is, id = '', auth = '' }, nid) => {
    const event = { eventId: id, authEvents: [auth], content: { membership: is } }
    return { nid, event } as unknown as StoredEvent
  })
  const spans = turns
    .map(({ from, is }, nid) => ({ nid, from, to: turns[nid + 1]?.from, is }))
    .filter(({ is }) => is !== 'nothing')
  return new Stays({
    state: {
      spans: async (_room, _type, _key, { after, upTo }) =>
        spans.filter(({ from, to }) => from <= upTo && (to === undefined || to > after)),
    },
    events: { byNids: async nids => nids.flatMap(nid => events[nid] ?? []) },
  })
}

const BOB = { roomNid: 1, userId: '@bob:far.test' }
const FIRST: Turn = { from: 2, is: 'join', id: '$first' }

const cases: [what: string, turns: readonly Turn[], expected: boolean][] = [
  ['nothing has happened', [FIRST], true],
  ['another name', [FIRST, { from: 6, is: 'join', auth: '$first' }], true],
  ['a leave', [FIRST, { from: 6, is: 'leave' }], false],
  [
    'a return',
    [FIRST, { from: 6, is: 'leave', id: '$leave' }, { from: 7, is: 'join', auth: '$leave' }],
    false,
  ],
  ['a return from where nobody here has heard of', [FIRST, { from: 6, is: 'join', auth: '$leave' }], false],
  [
    'a leave that lost against the first join, once more',
    [FIRST, { from: 6, is: 'leave' }, { ...FIRST, from: 7 }],
    false,
  ],
  ['a moment without any event', [FIRST, { from: 6, is: 'nothing' }, { ...FIRST, from: 7 }], false],
  ['an arrival', [{ ...FIRST, from: 6 }], false],
  [
    'what was over before',
    [FIRST, { from: 3, is: 'leave', id: '$leave' }, { from: 4, is: 'join', auth: '$leave' }],
    true,
  ],
  ['what comes after', [FIRST, { from: 9, is: 'leave' }], true],
  ['nobody', [], false],
]

for (const [what, turns, expected] of cases)
  test(`a stay is unbroken or not: ${what}`, async t => {
    const { isUnbroken } = await staysOf(turns).over(BOB, { after: 5, upTo: 8 })
    t.is(isUnbroken, expected)
  })

test('somebody is in a room by a join only', async t => {
  const stays = staysOf([FIRST, { from: 6, is: 'leave' }])
  t.deepEqual(await Promise.all([1, 2, 5, 6].map(at => stays.isIn(BOB, at))), [false, true, true, false])
})
