import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { roomVersion } from '../../core/room-versions.ts'
import { powerLevelsContent } from './room-templates.ts'
import { checkLevels } from './state-content.ts'

/** The levels for events in a new room of a version, where the client overrides some levels. */
const eventLevels = (id: string, powerLevelOverride: JsonObject): unknown => {
  const version = roomVersion(id)
  if (version === undefined) throw new Error(`no version ${id}`)
  const nothing = { invite: [], creationContent: {}, initialState: [] }
  const room = { creator: '@ann:localhost', version, isPublic: false, ...nothing, powerLevelOverride }
  return powerLevelsContent(room)['events']
}

test('since version 12 ending a room takes more than the state_default, unless the client says otherwise', t => {
  t.like(eventLevels('12', {}), { 'm.room.tombstone': 150 })
  t.like(eventLevels('12', { state_default: 200 }), { 'm.room.tombstone': 250 })
  t.deepEqual(eventLevels('12', { events: { 'm.room.name': 10 } }), {
    'm.room.name': 10,
    'm.room.tombstone': 150,
  })
  t.deepEqual(eventLevels('12', { events: { 'm.room.tombstone': 60 } }), { 'm.room.tombstone': 60 })
  t.like(eventLevels('11', {}), { 'm.room.tombstone': 100 })
  t.deepEqual(eventLevels('11', { events: { 'm.room.name': 10 } }), { 'm.room.name': 10 })
})

test('a level that an old room puts up with may stay, and no other comes', t => {
  const before = { ban: '50', users: { '@ann:localhost': '100' }, events: 'none' }
  t.notThrows(() => checkLevels({ ...before, kick: 60 }, before))
  for (const odd of [{ ban: '51' }, { kick: '50' }, { users: { '@bob:localhost': '100' } }, { invite: 0.5 }])
    t.throws(() => checkLevels({ ...before, ...odd }, before), { message: /not an integer/ })
})
