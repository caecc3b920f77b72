import test from 'ava'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateSpan } from '../../storage/rooms/state-entry.ts'
import type { StateViews } from '../../storage/rooms/state-views.ts'
import { Sights } from './room-sight.ts'

const JOIN = 1
const VISIBILITY = 2

/** A room of which these spans are known; more may become known, also of the past. */
const roomOf = (spans: Record<'m.room.member' | 'm.room.history_visibility', StateSpan[]>) => {
  const all = (type: string): StateSpan[] => spans[type as keyof typeof spans]
  const content = new Map([
    [JOIN, { membership: 'join' }],
    [VISIBILITY, { history_visibility: 'joined' }],
  ])
  const read = {
    state: { history: async (_room: number, type: string) => all(type) },
    events: {
      byNids: async (nids: number[]) => nids.map(nid => ({ nid, event: { content: content.get(nid) } })),
    },
  }
  const views = {
    ends: async (_room: number, type: string) => ({ oldest: all(type)[0], newest: all(type).at(-1) }),
    since: async (_room: number, type: string, _key: string, from: number) =>
      all(type).filter(span => span.from >= from),
  }
  return new Sights(read as unknown as RoomReaders, views as unknown as StateViews)
}

test('what is learned of the past does not take away what is known since', async t => {
  const spans = {
    'm.room.member': [{ nid: JOIN, from: 5, to: undefined }],
    'm.room.history_visibility': [{ nid: VISIBILITY, from: 4, to: undefined }],
  }
  const sights = roomOf(spans)
  const before = await sights.of(1, '@a:b')
  t.true(before.ranges.some(({ from, to }) => from <= 6 && to >= 6))
  // History is fetched, and tells that both have held for longer.
  spans['m.room.member'] = [{ nid: JOIN, from: -3, to: undefined }]
  spans['m.room.history_visibility'] = [{ nid: VISIBILITY, from: -9, to: undefined }]
  const after = await sights.of(1, '@a:b')
  t.is(after.membershipAt(6), 'join')
  t.false(
    after.ranges.some(({ from, to }) => from <= -5 && to >= -5),
    'who joined at −3 sees nothing of before',
  )
})
