import type { RoomEvent } from '../core/event/event.ts'
import type { RoomVersion } from '../core/room-versions.ts'
import type { RoomNetwork } from './room-network.ts'
import type { SeededRandom } from './seeded-random.ts'

export const ALICE = '@alice:s0.test'
/** Servers of a network. */
export const NAMES = ['s0.test', 's1.test', 's2.test', 's3.test', 's4.test']
/** The users of each of them. */
export const USERS = NAMES.map((name, index) =>
  index === 0 ? [ALICE, '@anna:s0.test'] : [`@u${index}:${name}`, `@v${index}:${name}`],
)
/** Everybody but the creator, who stays. */
const OTHERS = USERS.flat().filter(user => user !== ALICE)

const member = (sender: string, target: string, membership: string) => ({
  type: 'm.room.member',
  sender,
  stateKey: target,
  content: { membership },
})

const state = (sender: string, type: string, content: Record<string, unknown>) => ({
  type,
  sender,
  stateKey: '',
  content: content as never,
})

/** What a user may try; much of it is not allowed most of the time. */
export const attemptIn = ({
  user,
  target,
  random,
  events,
  version,
}: {
  user: string
  target: string
  random: SeededRandom
  events: readonly RoomEvent[]
  version: RoomVersion
}) => {
  const levels = () => Object.fromEntries(OTHERS.map(other => [other, random.pick([0, 0, 50, 50, 99])]))
  // From v12 on creators stand outside the list.
  const creator = version.auth.privilegedCreators ? {} : { [ALICE]: 100 }
  const choices = [
    () => ({ type: 'm.room.message', sender: user, content: { body: `${random.below(1000)}` } }),
    () => state(user, 'm.room.topic', { topic: `${random.below(1000)}` }),
    () => state(user, 'm.room.name', { name: `${random.below(1000)}` }),
    () => member(user, target, random.pick(['ban', 'leave', 'leave', 'invite'])),
    () => member(user, user, user === ALICE ? 'join' : random.pick(['leave', 'join', 'join'])),
    () =>
      state(user, 'm.room.power_levels', {
        users: { ...creator, ...levels() },
        users_default: 0,
        ban: 50,
        kick: 50,
      }),
    () => state(user, 'm.room.join_rules', { join_rule: random.pick(['public', 'public', 'invite']) }),
    () => ({ type: 'm.room.redaction', sender: user, content: {}, redacts: random.pick(events).eventId }),
  ]
  return random.pick([...choices, ...choices.slice(0, 6)])()
}

/** One thing that happens: somebody tries something, and some servers tell each other. */
export const step = async (
  network: RoomNetwork,
  random: SeededRandom,
  partition: readonly number[],
): Promise<void> => {
  const index = random.below(network.servers.length)
  const server = network.servers[index]
  if (server === undefined) return
  await server.rooms.clock.advance(random.below(50))
  const user = random.pick(server.users)
  if (server.entry === undefined || random.chance(0.04)) {
    const resident = random.pick(network.servers)
    if (resident !== server && resident.entry !== undefined) await network.joinThrough(server, resident, user)
    return
  }
  const { version } = network
  const events = [...network.events.values()]
  const template = attemptIn({ user, target: random.pick(OTHERS), random, events, version })
  if (random.chance(0.06)) {
    const known = [...network.events.values()]
    const prev = random.pick(known)
    const stored = await server.stored(prev.eventId)
    const isOwn = server.users.includes(template.sender)
    if (stored?.position !== undefined && isOwn) await network.forge(server, template, [prev])
    return
  }
  await network.send(server, template)
  for (const other of network.servers) {
    const reachable = partition[index] === partition[network.servers.indexOf(other)]
    if (other !== server && reachable && random.chance(0.5)) await network.gossip(server, other)
  }
}
