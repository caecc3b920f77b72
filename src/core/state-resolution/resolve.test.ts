import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { PUBLIC_ROOM, RoomBuilder } from '../../test-kit/room-builder.ts'
import { versionsIn } from '../../test-kit/room-lines.ts'
import { type StateMap, stateMapKey } from '../event/event.ts'
import { resolveState } from './resolve.ts'
import { parseStateMapKey } from './state-key.ts'

/** A scenario, as in `fixtures/*.json`. `about` and `graph` are for people. */
interface Scenario {
  readonly about: string
  readonly graph: readonly string[]
  readonly room: readonly string[]
  /** The events whose states are resolved, or the states themselves. */
  readonly resolve?: readonly string[]
  readonly states?: readonly (readonly string[])[]
  readonly rejected?: readonly string[]
  /** Room versions → what the resolved state holds beyond that on which all states agreed. */
  readonly outcome: Readonly<Record<string, string>>
}

const folder = new URL('fixtures/', import.meta.url)
const readScenario = (file: string): Scenario => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))

const statesOf = (scenario: Scenario, room: RoomBuilder): StateMap[] =>
  scenario.states?.map(names => room.stateOf(...names)) ??
  (scenario.resolve ?? []).map(name => room.stateAfter(name))

const namesIn = (room: RoomBuilder, eventIds: Iterable<string>): string =>
  [...eventIds].map(room.nameOf).sort().join(' ')

const outcomeOf = (
  scenario: Scenario,
  version: string,
  isRejected?: (eventId: string) => boolean,
): string => {
  const room = new RoomBuilder(version, scenario.room)
  const states = statesOf(scenario, room)
  const rejected = new Set(scenario.rejected?.map(room.idOf))
  const { state } = resolveState(room.version, states, room.load, {
    isRejected: isRejected ?? (eventId => rejected.has(eventId)),
  })
  const won = [...state].filter(([key, eventId]) => !states.every(each => each.get(key) === eventId))
  return namesIn(
    room,
    won.map(([, eventId]) => eventId),
  )
}

for (const file of readdirSync(folder)) {
  const scenario = readScenario(file)
  for (const [versions, outcome] of Object.entries(scenario.outcome)) {
    test(`${file.replace('.json', '')} (v${versions})`, t => {
      for (const version of versionsIn(versions)) t.is(outcomeOf(scenario, version), outcome, `v${version}`)
    })
  }
}

test('an auth event counts unless it was rejected', t => {
  const scenario = readScenario('rejected-auth-event.json')
  for (const version of versionsIn('2-12'))
    t.is(
      outcomeOf(scenario, version, () => false),
      'TB',
      `v${version}`,
    )
})

test('a create event that was rejected roots nothing, from v12 on', t => {
  const room = new RoomBuilder('12', PUBLIC_ROOM)
  room.add('T1: alice topic one < JR', 'T2: alice topic two < JR')
  const states = [room.stateAfter('T1'), room.stateAfter('T2')]
  const isRejected = (eventId: string) => eventId === room.idOf('CREATE')
  const { refused } = resolveState(room.version, states, room.load, { isRejected })
  t.deepEqual(
    [...refused.values()].map(({ rule }) => rule),
    ['create.missing', 'create.missing'],
  )
})

test('states that agree resolve to themselves, and none to nothing', t => {
  for (const version of versionsIn('1-12')) {
    const room = new RoomBuilder(version, PUBLIC_ROOM)
    const state = room.stateAfter('JR')
    for (const states of [[state], [state, new Map(state)], [state, state, state]]) {
      const resolution = resolveState(room.version, states, room.load)
      t.deepEqual(resolution, { state: new Map(state), conflicted: new Map(), refused: new Map() })
    }
    t.is(resolveState(room.version, [], room.load).state.size, 0)
  }
})

test('a resolution tells what was in conflict and why events were refused', t => {
  for (const version of versionsIn('2-12')) {
    const room = new RoomBuilder(version, PUBLIC_ROOM)
    room.add('BB: alice ban bob < JR', 'JB: bob join < JR')
    const states = [room.stateAfter('BB'), room.stateAfter('JB')]
    const { conflicted, refused } = resolveState(room.version, states, room.load)
    t.deepEqual([...conflicted.keys()], [stateMapKey('m.room.member', '@bob:bob.test')])
    t.deepEqual([...conflicted.values()], [[room.idOf('BB'), room.idOf('JB')]])
    t.deepEqual(
      [...refused].map(([eventId, { rule }]) => [eventId, rule]),
      [[room.idOf('JB'), 'member.join.banned']],
    )
  }
})

test('events that are not here are passed over', t => {
  for (const version of versionsIn('1-12')) {
    const room = new RoomBuilder(version, PUBLIC_ROOM)
    room.add('T1: alice topic one < JR', 'T2: alice topic two < JR')
    const states = [room.stateAfter('T1'), room.stateAfter('T2')]
    const resolve = (missing: string): string | undefined => {
      const load = (eventId: string) => (eventId === room.idOf(missing) ? undefined : room.load(eventId))
      return resolveState(room.version, states, load).state.get(stateMapKey('m.room.topic', ''))
    }
    t.is(resolve('T1'), room.idOf('T2'))
    t.is(resolve('T2'), room.idOf('T1'))
  }
})

test('auth chains may be longer than any stack', t => {
  for (const version of ['11', '12']) {
    const room = new RoomBuilder(version, PUBLIC_ROOM)
    for (let i = 0; i < 12_000; i++) room.add(`P${i}: alice power alice=100 bob=${i % 50}`)
    room.add('TA: alice topic a', 'PB: alice power alice=100 < JR @1', 'TB: alice topic b')
    const states = [room.stateAfter('TA'), room.stateAfter('TB')]
    const { state } = resolveState(room.version, states, room.load)
    t.is(state.get(stateMapKey('m.room.topic', '')), room.idOf('TA'))
  }
})

test('a state key reads back from a map key, and nothing else does', t => {
  for (const [type, stateKey] of [
    ['m.room.member', '@alice:alice.test'],
    ['', ''],
    ['7:x', '3:y'],
    ['m.room.topic', ''],
  ] as const) {
    t.deepEqual(parseStateMapKey(stateMapKey(type, stateKey)), { type, stateKey })
  }
  for (const key of ['', 'x', ':', '-1:', '07:m.room.x', '9:short', '1e3:x', '99999999999:x']) {
    t.is(parseStateMapKey(key), undefined)
  }
})
