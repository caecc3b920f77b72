import test from 'ava'
import fc from 'fast-check'
import type { HistoryVisibility } from '../../core/history-visibility.ts'
import { mayUserSee } from '../../core/history-visibility.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import { randomRuns } from '../../test-kit/random-runs.ts'
import { at, joinedSince, type Span, visibilityAt, visibleRanges } from './visible-ranges.ts'

const LAST = 30

/** Spans that follow each other, some with gaps between them; the last may be open. */
const spansOf = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Span<T>[]> =>
  fc
    .array(fc.record({ skip: fc.nat(2), length: fc.integer({ min: 1, max: 6 }), value }), { maxLength: 6 })
    .chain(parts =>
      fc.boolean().map(open => {
        let from = 1
        return parts.map((part, index) => {
          const start = from + part.skip
          from = start + part.length
          return { from: start, to: open && index === parts.length - 1 ? undefined : from, value: part.value }
        })
      }),
    )

test('outside of the visible ranges nothing is ever seen, inside nothing is left to chance', t => {
  const visibility = fc.constantFrom<HistoryVisibility>('world_readable', 'shared', 'invited', 'joined')
  const membership = fc.constantFrom<Membership>('join', 'invite', 'leave', 'ban', 'knock')
  fc.assert(
    fc.property(spansOf(visibility), spansOf(membership), (visibilities, memberships) => {
      const ranges = visibleRanges({ visibilities, memberships })
      const changes = new Set([0, ...[...visibilities, ...memberships].flatMap(one => [one.from, one.to])])
      for (let position = -3; position <= LAST; position++) {
        const before = visibilityAt(visibilities, position - 1)
        const place = at(memberships, position - 1)
        const since = joinedSince(memberships, position)
        const seen = (visibilityAfter: HistoryVisibility, membershipAfter: Membership | undefined) =>
          mayUserSee({
            visibilityAt: { before, after: visibilityAfter },
            membershipAt: { before: place, after: membershipAfter },
            joinedSince: since,
          })
        const inside = ranges.some(({ from, to }) => from <= position && position <= to)
        // An ordinary event is seen by what held before it; one that changes something by either side.
        if (changes.has(position)) {
          const changed = seen(visibilityAt(visibilities, position), at(memberships, position))
          if (changed !== inside) return false
        } else if (seen(before, place) !== inside) return false
      }
      return ranges.every(
        ({ from, to }, index) => from <= to && (ranges[index - 1]?.to ?? -Infinity) < from - 1,
      )
    }),
    { numRuns: randomRuns(200) },
  )
  t.pass()
})

test('who was joined all the time, or joins a room of shared history, sees one stretch', t => {
  const always = [{ from: 2, to: undefined, value: 'join' as const }]
  t.is(visibleRanges({ visibilities: [], memberships: always }).length, 1)
  t.deepEqual(
    visibleRanges({ visibilities: [{ from: 3, to: undefined, value: 'joined' }], memberships: [] }),
    [],
  )
})
