import test from 'ava'
import { EventCache } from './event-cache.ts'
import type { StoredEvent } from './stored-event.ts'

const stored = (nid: number): StoredEvent =>
  ({ nid, event: { eventId: `$${nid}`, content: {} } }) as unknown as StoredEvent

const STATE = 10

/** Reads the state of a room as syncs do; answers how much of it was there. */
const readState = (cache: EventCache, room: number): number => {
  const nids = Array.from({ length: STATE }, (_, n) => room * STATE + n)
  const isKept = cache.admitsState()
  const missing = nids.filter(nid => cache.get(nid) === undefined)
  if (isKept) for (const nid of missing) cache.putAsOf(cache.now, stored(nid), missing.length)
  return STATE - missing.length
}

test('of the states of more rooms than there is room for most are found again', t => {
  const cache = new EventCache(30 * STATE)
  const syncAll = () => {
    let found = 0
    for (let room = 0; room < 40; room++) found += readState(cache, room)
    return found
  }
  t.is(syncAll(), 0)
  for (let sync = 0; sync < 10; sync++) t.true(syncAll() > 20 * STATE)
})

test('what is asked for again gets in where everything else is old', t => {
  const cache = new EventCache(10 * STATE)
  for (let room = 0; room < 10; room++) readState(cache, room)
  let asked = 0
  while (readState(cache, 11) < STATE) asked += 1
  t.true(asked > 0 && asked <= 10, `asked for ${asked} times`)
})

test('what was known of a room that was removed is not known of the one that comes back', t => {
  const cache = new EventCache()
  const of = (nid: number, roomId: string, roomNid: number) =>
    ({ nid, roomNid, event: { eventId: `$${nid}`, roomId, content: {} } }) as unknown as StoredEvent
  const put = (one: StoredEvent) => cache.putAsOf(cache.now, one, 1)
  for (const one of [of(1, '!a', 10), of(2, '!b', 20)]) put(one)
  cache.learn('$3', 3)
  cache.put(of(4, '!a', 30), true)
  t.is(cache.get(1), undefined)
  t.is(cache.nidOf('$1'), undefined)
  t.is(cache.nidOf('$3'), undefined, 'it may be one of that room')
  t.is(cache.byId('$2')?.nid, 2)
  t.is(cache.byId('$4')?.nid, 4)
  cache.roomIs('!a', 40)
  t.is(cache.byId('$4')?.nid, 4, 'what is on its way to the disk is kept')
})
