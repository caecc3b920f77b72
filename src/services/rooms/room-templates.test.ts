import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { roomVersion } from '../../core/room-versions.ts'
import { type RoomDefaults, withDefaults } from './room-defaults.ts'
import { initialStateEvents, type NewRoom, powerLevelsContent } from './room-templates.ts'
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

test('whoever has all power since version 12 is not listed, though their client does', t => {
  const [ann, bob, cat] = ['@ann:localhost', '@bob:localhost', '@cat:localhost']
  const users = { [ann]: 100, [bob]: 50, [cat]: 10 }
  const levels = (id: string, room: Partial<NewRoom>) => [
    powerLevelsContent(newRoom(id, { ...room, powerLevelOverride: { users } }))['users'],
    initialStateEvents(
      newRoom(id, {
        ...room,
        initialState: [{ type: 'm.room.power_levels', stateKey: '', content: { users, ban: 10 } }],
      }),
    ).find(({ type }) => type === 'm.room.power_levels')?.content,
  ]
  const without = { [bob]: 50, [cat]: 10 }
  t.deepEqual(levels('12', {}), [without, { users: without, ban: 10 }])
  const trusted = { preset: 'trusted_private_chat', invite: [bob] } as const
  t.deepEqual(levels('12', trusted), [{ [cat]: 10 }, { users: { [cat]: 10 }, ban: 10 }])
  t.deepEqual(levels('11', trusted), [users, { users, ban: 10 }])
  t.deepEqual(levels('12', { isVersionWished: true }), [users, { users, ban: 10 }])
})

test('a level that an old room puts up with may stay, and no other comes', t => {
  const before = { ban: '50', users: { '@ann:localhost': '100' }, events: 'none' }
  t.notThrows(() => checkLevels({ ...before, kick: 60 }, before))
  for (const odd of [{ ban: '51' }, { kick: '50' }, { users: { '@bob:localhost': '100' } }, { invite: 0.5 }])
    t.throws(() => checkLevels({ ...before, ...odd }, before), { message: /not an integer/ })
})

const unset = { events: {} }
const noLevels = { privateChat: unset, trustedPrivateChat: unset, publicChat: unset }

const newRoom = (id: string, room: Partial<NewRoom>): NewRoom => {
  const version = roomVersion(id)
  if (version === undefined) throw new Error(`no version ${id}`)
  const nothing = { invite: [], creationContent: {}, initialState: [], powerLevelOverride: {} }
  return { creator: '@ann:localhost', version, isPublic: false, ...nothing, ...room }
}

test('which rooms are encrypted whose makers do not say', t => {
  const algorithm = (
    encryptedByDefault: RoomDefaults['encryptedByDefault'],
    room: Partial<NewRoom>,
  ): unknown =>
    initialStateEvents(withDefaults(newRoom('12', room), { encryptedByDefault, powerLevels: noLevels })).find(
      ({ type }) => type === 'm.room.encryption',
    )?.content['algorithm']
  const MEGOLM = 'm.megolm.v1.aes-sha2'
  const rows: [Partial<NewRoom>, unknown, unknown][] = [
    [{}, MEGOLM, MEGOLM],
    [{ preset: 'trusted_private_chat' }, MEGOLM, MEGOLM],
    [{ preset: 'private_chat', isPublic: true }, MEGOLM, MEGOLM],
    [{ isPublic: true }, undefined, MEGOLM],
    [{ preset: 'public_chat' }, undefined, MEGOLM],
    [{ creationContent: { type: 'm.space' } }, undefined, undefined],
    [{ encryption: 'cleartext' }, undefined, undefined],
    [{ encryption: 'org.example.other' }, 'org.example.other', 'org.example.other'],
    [{ initialState: [{ type: 'm.room.encryption', stateKey: '', content: { algorithm: 'x' } }] }, 'x', 'x'],
  ]
  for (const [room, byPrivate, byAll] of rows) {
    t.is(algorithm('private', room), byPrivate, JSON.stringify(room))
    t.is(algorithm('all', room), byAll, JSON.stringify(room))
  }
  t.is(algorithm('none', {}), undefined)
})

test('power levels of the operator stand between the usual ones and those of the client', t => {
  const powerLevels = {
    ...noLevels,
    publicChat: {
      eventsDefault: 10,
      stateDefault: 80,
      invite: 50,
      events: { 'm.room.name': 0, 'org.example': 7 },
    },
  }
  const levels = (id: string, room: Partial<NewRoom>) =>
    powerLevelsContent(withDefaults(newRoom(id, room), { encryptedByDefault: 'none', powerLevels }))
  t.like(levels('11', { isPublic: true, powerLevelOverride: { invite: 0 } }), {
    events_default: 10,
    state_default: 80,
    invite: 0,
    ban: 50,
    users: { '@ann:localhost': 100 },
    events: { 'm.room.name': 0, 'm.room.topic': 50, 'org.example': 7 },
  })
  t.like(levels('11', {}), { events_default: 0, state_default: 50, events: { 'm.room.name': 50 } })
  t.like(levels('12', { isPublic: true }), { events: { 'm.room.tombstone': 150 } })
  const events = { 'm.room.topic': 1 }
  t.deepEqual(levels('11', { isPublic: true, powerLevelOverride: { events } })['events'], events)
})
