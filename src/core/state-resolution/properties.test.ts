import test from 'ava'
import fc from 'fast-check'
import { randomRoom, randomTips } from '../../test-kit/random-room.ts'
import { randomRuns } from '../../test-kit/random-runs.ts'
import type { RoomBuilder } from '../../test-kit/room-builder.ts'
import { versionsIn } from '../../test-kit/room-lines.ts'
import { authorise } from '../auth/authorise.ts'
import { type RoomEvent, type StateMap, stateMapKey } from '../event/event.ts'
import { authDifference } from './auth-difference.ts'
import { openAuthGraph } from './auth-graph.ts'
import { eventsBetween } from './conflicted-subgraph.ts'
import { isPowerEvent, selectAndSortPowerEvents } from './power-sort.ts'
import { resolveState } from './resolve.ts'

const ALL = versionsIn('1-12')

/** A room and some of its tips. */
const conflict = (versions: readonly string[] = ALL) =>
  randomRoom(versions).chain(room => randomTips(room).map(tips => ({ room, tips })))

const check = <T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => void, numRuns = 40): void =>
  fc.assert(fc.property(arbitrary, holds), { numRuns: randomRuns(numRuns) })

const resolved = (room: RoomBuilder, states: readonly StateMap[]): [string, string][] =>
  [...resolveState(room.version, states, room.load).state].sort()

/** The same map, with its entries in another order. */
const reordered = (state: StateMap): StateMap => new Map([...state].reverse())

/** All events that an event leads to by `auth_events`, itself included; the plain way. */
const chainOf = (eventIds: Iterable<string>, room: RoomBuilder): Set<string> => {
  const chain = new Set<string>()
  const pending = [...eventIds]
  for (let eventId = pending.pop(); eventId !== undefined; eventId = pending.pop()) {
    if (chain.has(eventId)) continue
    chain.add(eventId)
    pending.push(...(room.load(eventId)?.authEvents ?? []))
  }
  return chain
}

test('the order of states, and of what they hold, does not matter', t => {
  check(conflict(), ({ room, tips }) => {
    const states = tips.map(tip => room.stateAfter(tip))
    const expected = resolved(room, states)
    t.deepEqual(resolved(room, states.toReversed()), expected)
    t.deepEqual(resolved(room, [...states.slice(1), ...states.slice(0, 1)].map(reordered)), expected)
    t.deepEqual(resolved(room, [...states, ...states]), expected)
  })
})

test('what is resolved is settled', t => {
  check(conflict(), ({ room, tips }) => {
    const { state } = resolveState(
      room.version,
      tips.map(tip => room.stateAfter(tip)),
      room.load,
    )
    t.deepEqual(resolved(room, [state]), [...state].sort())
    t.deepEqual(resolved(room, [state, state]), [...state].sort())
  })
})

test('a resolved state holds each event under its own key, all that was agreed, and nothing made up', t => {
  check(conflict(), ({ room, tips }) => {
    const states = tips.map(tip => room.stateAfter(tip))
    const { state, conflicted } = resolveState(room.version, states, room.load)
    const known = chainOf(
      states.flatMap(each => [...each.values()]),
      room,
    )
    for (const [key, eventId] of state) {
      const event = room.load(eventId)
      t.is(event && stateMapKey(event.type, event.stateKey ?? ''), key)
      t.true(known.has(eventId))
    }
    for (const [key, eventId] of states[0] ?? []) if (!conflicted.has(key)) t.is(state.get(key), eventId)
  })
})

test('stale and partial states resolve as well, in any order', t => {
  const stale = conflict().chain(({ room, tips }) =>
    fc.record({
      room: fc.constant(room),
      tips: fc.constant(tips),
      keep: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
    }),
  )
  check(stale, ({ room, tips, keep }) => {
    const states = tips.map(
      (tip, which) =>
        new Map([...room.stateAfter(tip)].filter((_, index) => keep[(index + which * 7) % keep.length])),
    )
    t.deepEqual(resolved(room, states.toReversed().map(reordered)), resolved(room, states))
  })
})

/** The states after all events of a room, worked out anew, with the branches of each merge in the other order. */
const replay = (room: RoomBuilder, judge: (event: RoomEvent, before: StateMap) => void): void => {
  const after = new Map<string, StateMap>()
  for (const event of room.events) {
    const branches = event.prevEvents.map(eventId => after.get(eventId) ?? new Map()).reverse()
    const { state } = resolveState(room.version, branches, room.load)
    judge(event, state)
    const next = new Map(state)
    if (event.stateKey !== undefined) next.set(stateMapKey(event.type, event.stateKey), event.eventId)
    after.set(event.eventId, next)
  }
}

test('an accepted event stays accepted when the room is replayed', t => {
  check(randomRoom(ALL, 40), room => {
    replay(room, (event, before) => {
      const context = { state: room.lookup(before), createEvent: room.createEvent }
      t.is(authorise(event, context), undefined)
    })
  })
})

test('the auth difference is what is in some chains and not in all, however it is found', t => {
  check(conflict(), ({ room, tips }) => {
    const sets = tips.map(tip => [...room.stateAfter(tip).values()])
    const chains = sets.map(set => chainOf(set, room))
    const expected = [...new Set(sets.flatMap(set => [...chainOf(set, room)]))]
      .filter(eventId => !chains.every(chain => chain.has(eventId)))
      .sort()
    const graph = openAuthGraph(room.load, undefined)
    t.deepEqual([...authDifference(sets, graph)].sort(), expected)
    const stored = new Map(room.events.map(({ eventId }) => [eventId, graph.generationOf(eventId)]))
    const indexed = openAuthGraph(room.load, eventId => stored.get(eventId))
    t.deepEqual([...authDifference(sets, indexed)].sort(), expected)
  })
})

test('between events lies what one of them leads to and what leads to another', t => {
  check(conflict(), ({ room, tips }) => {
    const ends = new Set(tips.flatMap(tip => [...room.stateAfter(tip).values()].slice(-3)))
    const proper = (eventId: string): Set<string> => chainOf(room.load(eventId)?.authEvents ?? [], room)
    const expected = room.events
      .map(event => event.eventId)
      .filter(eventId => {
        const above = [...ends].some(end => proper(end).has(eventId))
        const below = [...ends].some(end => proper(eventId).has(end))
        return (above && below) || (ends.has(eventId) && (above || below))
      })
    t.deepEqual([...eventsBetween(ends, openAuthGraph(room.load, undefined))].sort(), expected.sort())
  })
})

test('a walk with stored generations ends where the chains have met', t => {
  check(
    randomRoom(['11', '12'], 10),
    room => {
      for (let i = 0; i < 50; i++) room.add(`P${i}: alice power alice=100 bob=${i}${i === 0 ? ' < PB' : ''}`)
      room.add('TA: alice topic a < P49', 'TB: alice topic b < P49')
      const graph = openAuthGraph(room.load, undefined)
      const loaded = new Set<string>()
      const load = (eventId: string): RoomEvent | undefined => {
        loaded.add(eventId)
        return room.load(eventId)
      }
      const states = [room.stateAfter('TA'), room.stateAfter('TB')]
      resolveState(room.version, states, load, { generationOf: graph.generationOf })
      t.true(loaded.size < 10, `loaded ${loaded.size}`)
    },
    5,
  )
})

test('power events come after their auth events, and as early as their rank allows', t => {
  check(conflict(), ({ room }) => {
    const all = new Set(room.events.map(event => event.eventId))
    const sorted = selectAndSortPowerEvents(all, room.load)
    const place = new Map(sorted.map(({ eventId }, index) => [eventId, index]))
    for (const event of room.events) if (isPowerEvent(event)) t.true(place.has(event.eventId))
    for (const [index, event] of sorted.entries()) {
      for (const authEvent of event.authEvents) t.true((place.get(authEvent) ?? -1) < index)
    }
    t.is(place.size, sorted.length)
  })
})
