import test from 'ava'
import { testDatabase } from '../../test-kit/database.ts'
import { guest } from '../../test-kit/guest.ts'
import { BEFORE, complete, conclusions, named, partialGuest, receive } from '../../test-kit/partial-guest.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'
import { SeededRandom } from '../../test-kit/seeded-random.ts'
import { loadHead } from './load-head.ts'

const USERS = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
const ACTIONS = [
  'say x',
  'topic x',
  'join',
  'leave',
  'kick carol',
  'ban carol',
  'kick bob',
  'invite erin',
  'power alice=100 bob=60',
  'rule invite',
  'rule public',
  'ban dave',
]

/** A room with random events, and their names. */
const randomRoom = (seed: number): { peers: PeerRoom; names: string[] } => {
  const random = new SeededRandom(seed)
  const isOwned = seed % 4 === 3
  const peers = new PeerRoom(
    ['6', '10', '11', '12'][seed % 4] ?? '11',
    isOwned ? BEFORE.map(line => line.replace('alice=100 ', '')) : BEFORE,
  )
  const names: string[] = []
  for (let n = 0; n < 14; n++) {
    const recent = ['ME', ...names].slice(-4)
    const prev = new Set([
      recent[random.below(recent.length)],
      recent.at(-1 - random.below(Math.min(2, recent.length))),
    ])
    // Some build on what was before the join, alone or beside what came later.
    if (random.chance(0.15)) {
      if (random.chance(0.5)) prev.clear()
      prev.add(random.pick(['LE', 'BD', 'IF']))
    }
    const action = ACTIONS[random.below(ACTIONS.length)] ?? ''
    const powers = isOwned ? action.replace('alice=100 ', '') : action
    peers.add(`E${n}: ${USERS[random.below(USERS.length)]} ${powers} < ${[...prev].join(' ')}`)
    names.push(`E${n}`)
  }
  return { peers, names }
}

test('a room that was joined without members comes to the same as one that was joined with them', async t => {
  for (let seed = 1; seed <= 8; seed++) {
    const { peers, names } = randomRoom(seed)
    const whole = await guest(await testDatabase(t), peers)
    const partly = await partialGuest(t, peers)
    for (const name of names) {
      await receive(whole, peers, name)
      await receive(partly, peers, name)
    }
    t.true(await complete(partly, peers))
    t.deepEqual(
      await conclusions(partly, peers, names),
      await conclusions(whole, peers, names),
      `seed ${seed}`,
    )
    const states = []
    for (const server of [partly, whole]) {
      const head = await loadHead(server.core.context.read, peers.roomId, 'here.test')
      states.push({ state: named(peers, head?.stateMap()), ends: await server.ends() })
    }
    t.deepEqual(states[0], states[1], `seed ${seed}`)
  }
})

test('so does one that learns what happened in another order', async t => {
  for (const seed of [12, 13, 20, 21, 26, 27]) {
    const { peers, names } = randomRoom(seed)
    const whole = await guest(await testDatabase(t), peers)
    for (const name of names) await receive(whole, peers, name)
    const partly = await partialGuest(t, peers)
    const random = new SeededRandom(seed)
    const late = names.filter(() => random.chance(0.3))
    for (const name of [...names.filter(one => !late.includes(one)), ...late])
      await receive(partly, peers, name)
    t.true(await complete(partly, peers))
    t.deepEqual(
      await conclusions(partly, peers, names),
      await conclusions(whole, peers, names),
      `seed ${seed}`,
    )
  }
})
