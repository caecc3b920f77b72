import { availableParallelism } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { authorise } from '../src/core/auth/authorise.ts'
import { checkAuthEvents } from '../src/core/auth/check-auth-events.ts'
import { type RoomEvent, stateMapKey } from '../src/core/event/event.ts'
import { signedBytes } from '../src/core/event/signatures.ts'
import { contentHash, eventIdOf } from '../src/core/hashes.ts'
import type { KeyRing } from '../src/services/federation/keys/key-ring.ts'
import { EventVerifier } from '../src/services/federation/verify-event.ts'
import { importRoom } from '../src/services/rooms/import-room.ts'
import { receiveEvent } from '../src/services/rooms/receive.ts'
import { ALICE, GrowingRoom, key, ME, version, withCore } from './growing-room.ts'

/**
 * What the room core costs, as ratios within one run: an ordinary event against its signature, resolving two branches of
 * rooms as they grow, and the signatures of a large join. `node bench/core.ts [members of the largest room]`
 */
const LARGEST = Number(process.argv[2] ?? 50_000)
const SIZES = [1_000, 10_000, 50_000].filter(size => size <= LARGEST)
const CONFLICTING = 200
const SIGNATURES = 20_000

const user = (index: number): string => `@user${index}:host${index % 500}.test`

/** Microseconds of one call, the best of several rounds. */
const microseconds = (work: () => unknown): number => {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 7; round++) {
    const started = performance.now()
    for (let i = 0; i < 2_000; i++) work()
    best = Math.min(best, (performance.now() - started) / 2)
  }
  return best
}

const oneEvent = (): Record<string, string>[] => {
  const room = new GrowingRoom(key)
  const message = room.add(ALICE, 'm.room.message', undefined, { msgtype: 'm.text', body: 'x'.repeat(120) })
  const bytes = signedBytes(message)
  const state = (type: string, stateKey: string) => room.state.get(stateMapKey(type, stateKey))
  const createEvent = state('m.room.create', '')
  const auth = message.authEvents.flatMap(id => room.all.find(event => event.eventId === id) ?? [])
  const signing = microseconds(() => key.sign(bytes))
  const hashing = microseconds(() => {
    contentHash(message.pdu)
    eventIdOf(message.pdu, version)
  })
  const authorising = microseconds(() => {
    checkAuthEvents(message, auth, () => false)
    authorise(message, { state, createEvent })
  })
  const ratio = (time: number): string => (time / signing).toFixed(2)
  return [
    { what: 'Ed25519 signature', microseconds: signing.toFixed(1), ratio: '1' },
    { what: 'content and reference hash', microseconds: hashing.toFixed(1), ratio: ratio(hashing) },
    { what: 'authorisation', microseconds: authorising.toFixed(1), ratio: ratio(authorising) },
    {
      what: 'hashing and authorising (target: at most 2)',
      microseconds: (hashing + authorising).toFixed(1),
      ratio: ratio(hashing + authorising),
    },
  ]
}

/** Runs work and tells how long it took, and how long the event loop was held up at most. */
const watched = async (work: () => Promise<unknown>): Promise<{ ms: number; delay: number }> => {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  await new Promise(resolve => setTimeout(resolve, 20))
  delay.enable()
  const started = performance.now()
  await work()
  const ms = performance.now() - started
  await new Promise(resolve => setTimeout(resolve, 5))
  delay.disable()
  return { ms, delay: delay.max / 1e6 }
}

/**
 * Two branches: on one, users change their names; on the other, moderators remove the same users. Each pair of events is in
 * conflict, and the power levels are as well.
 */
const branches = (trunk: GrowingRoom): [GrowingRoom, GrowingRoom] => {
  const [left, right] = [trunk.fork(), trunk.fork()]
  for (let i = 0; i < CONFLICTING / 2 - 1; i++) {
    left.add(user(i), 'm.room.member', user(i), { membership: 'join', displayname: `Number ${i}` })
    right.add(user(500), 'm.room.member', user(i), { membership: 'leave' })
  }
  left.powers({ [user(500)]: 50, [user(501)]: 50 })
  right.powers({ [user(500)]: 50, [user(502)]: 50 })
  return [left, right]
}

const resolving = (members: number): Promise<Record<string, string>> =>
  withCore(async (core, seen) => {
    const room = new GrowingRoom()
    // Members came under several power levels, as in rooms that are years old.
    for (let i = 0; i < members; i++) {
      if (i % Math.ceil(members / 10) === 0) room.powers({ [user(500)]: 50, [user(i)]: 10 })
      room.add(user(i), 'm.room.member', user(i), { membership: 'join' })
    }
    room.powers({ [user(500)]: 50 })
    const state = [...room.state.values()]
    const current = new Set(state)
    const authChain = room.all.filter(event => !current.has(event))
    const join = room.add(ME, 'm.room.member', ME, { membership: 'join' })
    const { writer, context } = core
    await context.nids.ensure(room.all.length * 2)
    const { roomId } = room
    const imported = await watched(() => importRoom(writer, { roomId, version, join, state, authChain }))
    const [left, right] = branches(room)
    const receive = async (event: RoomEvent) => {
      const received = await receiveEvent(writer, event)
      if (received.outcome !== 'accepted' && received.outcome !== 'soft-failed')
        throw new Error(JSON.stringify(received))
    }
    for (const event of left.all.slice(room.all.length)) await receive(event)
    const others = right.all.slice(room.all.length)
    const [last, ...before] = others.toReversed()
    const started = performance.now()
    for (const event of before.toReversed()) await receive(event)
    const each = (performance.now() - started) / before.length
    // With the last one all of them are in conflict: two branches, and what either changed.
    const resolved = await watched(async () => last && receive(last))
    return {
      members: `${members}`,
      'join, ms': imported.ms.toFixed(0),
      'join, loop delay': imported.delay.toFixed(0),
      'in conflict': `${seen()}`,
      'resolution, ms (target: 1000)': resolved.ms.toFixed(0),
      'loop delay, ms': resolved.delay.toFixed(0),
      'events before it, ms each': each.toFixed(0),
    }
  })

const verifying = async (): Promise<Record<string, string>[]> => {
  const room = new GrowingRoom(key)
  const pdus = Array.from(
    { length: SIGNATURES },
    (_, i) =>
      room.add(`@user${i}:peer.test`, 'm.room.member', `@user${i}:peer.test`, { membership: 'join' }).pdu,
  )
  const ring: Pick<KeyRing, 'publicKey'> = { publicKey: async () => key.publicKey }
  const verifier = new EventVerifier(ring as KeyRing)
  await verifier.verifyAll(pdus.slice(0, 2_000), version)
  const before = process.cpuUsage()
  const { ms, delay } = await watched(async () => {
    for (let start = 0; start < pdus.length; start += 1_000) {
      const verified = await verifier.verifyAll(pdus.slice(start, start + 1_000), version)
      if (verified.some(one => 'refusal' in one)) throw new Error('a good signature was refused')
    }
  })
  const { user: inUser, system } = process.cpuUsage(before)
  const alone = microseconds(() => undefined)
  return [
    {
      signatures: `${SIGNATURES}`,
      ms: ms.toFixed(0),
      'per event, µs': ((ms * 1_000) / SIGNATURES - alone).toFixed(0),
      'cores used': ((inUser + system) / 1_000 / ms).toFixed(2),
      'of cores': `${availableParallelism()}`,
      'loop delay, ms (target: 50)': delay.toFixed(0),
    },
  ]
}

console.log('One ordinary event')
console.table(oneEvent())
console.log(`Two branches with ${CONFLICTING} conflicting events, as rooms grow`)
const rows: Record<string, string>[] = []
for (const size of SIZES) rows.push(await resolving(size))
console.table(rows)
console.log('The signatures of a large join')
console.table(await verifying())
