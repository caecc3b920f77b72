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
