import test from 'ava'
import fc from 'fast-check'
import { RecentRooms } from './recent-rooms.ts'

test('the rooms with news are the same by their number or by that of what has happened, also once some are forgotten', t => {
  const room = fc.nat(12)
  fc.assert(
    fc.property(
      fc.array(room, { maxLength: 40 }),
      fc.uniqueArray(room),
      fc.nat(45),
      (happened, joined, after) => {
        const recent = new RecentRooms(0, { maxRooms: 6 })
        for (const [index, nid] of happened.entries()) recent.add(index + 1, nid)
        const rooms = new Map(joined.map(nid => [nid, `joined ${nid}`]))
        const found = recent.among(rooms, after)
        const expected = joined.filter(nid => happened.some((one, index) => one === nid && index + 1 > after))
        t.deepEqual(
          [...(found ?? [])].toSorted(([a], [b]) => a - b),
          expected.toSorted((a, b) => a - b).map(nid => [nid, `joined ${nid}`]),
        )
      },
    ),
  )
  t.is(new RecentRooms(5).among(new Map([[1, 1]]), 4), undefined, 'what was before is not known')
})
