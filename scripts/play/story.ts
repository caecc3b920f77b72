import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../../src/test-kit/seeded-random.ts'
import { recordIn, textIn } from './json.ts'
import { invite, joinRoom, memberDeeds } from './member-deeds.ts'
import { call, register, registerGuest } from './people.ts'
import { personDeeds } from './person-deeds.ts'
import { makeRoom, roomDeeds, setState } from './room-deeds.ts'
import { at, type Deed, type Done, type PlayedRoom, type Turn, type World } from './world.ts'

const deeds = Object.entries({ ...roomDeeds, ...memberDeeds, ...personDeeds })
const allWeight = deeds.reduce((sum, [, [weight]]) => sum + weight, 0)

/** One of the deeds, as often as they weigh. */
const aDeed = (rng: SeededRandom): [string, Deed] => {
  let left = rng.fraction() * allWeight
  for (const [name, [weight, deed]] of deeds) {
    left -= weight
    if (left < 0) return [name, deed]
  }
  throw new RangeError('the weights of the deeds are less than their sum')
}

/** Does it, and keeps what came of it. */
const act = async (turn: Turn, name: string, deed: Deed): Promise<Done> => {
  const { world, who, room } = turn
  const done = await deed(turn)
  const { status, body, note = '' } = done
  const id = textIn(body, 'event_id')
  if (id !== '') world.events.push({ room, id, by: who })
  world.log(who.label, name, room.label, note, String(status), status === 200 ? id : body)
  const { server } = who
  const isOurFault = server.kind === 'ours' && (status >= 500 || (status === 0 && server.pid !== undefined))
  // Others that are cut off or down are none of its faults.
  if (isOurFault && !world.links.isCut && world.servers.every(({ pid }) => pid !== undefined))
    world.troubles.push(
      `TROUBLE ${server.label} ${status} ${who.label} ${name} ${room.label} ${note} ${JSON.stringify(body)}`,
    )
  return done
}

/** Lets some others have a say in a room, too, so that not nearly all deeds are refused. */
const sharePower = async (world: World, rng: SeededRandom, room: PlayedRoom): Promise<void> => {
  const chosen = world.people.filter(person => person !== room.maker && rng.chance(0.5))
  const users = Object.fromEntries(chosen.map(({ id }) => [id, rng.pick([50, 50, 100])]))
  const all = rng.chance(0.5) ? { invite: 0 } : {}
  const who = room.maker
  const { body } = await call(who, 'GET', `${at(room)}/state/m.room.power_levels/`)
  const content = { ...recordIn(body), ...all, users: { ...recordIn(body, 'users'), ...users } }
  world.log(
    'power in',
    room.label,
    String((await setState({ who, room }, 'm.room.power_levels', content)).status),
  )
}

/** The first people and rooms. */
export const begin = async (world: World): Promise<void> => {
  const rng = new SeededRandom(world.seed)
  for (const [index, server] of world.servers.entries()) {
    for (let n = 0; n < (world.servers.length === 2 ? 3 : 2); n++)
      world.people.push(await register(server, `${'abcd'[index]}${n}s${world.seed}`))
    if (rng.chance(0.25)) world.people.push(await registerGuest(server, `${'abcd'[index]}guest`))
  }
  const makers = world.people.filter(({ isGuest }) => !isGuest)
  for (let n = 0; n < 3; n++) await makeRoom({ world, rng, who: rng.pick(makers) })
  for (const room of world.rooms) {
    for (const person of world.people) {
      if (person === room.maker || !rng.chance(0.8)) continue
      await invite(world, room.maker, room, person)
      if (rng.chance(0.9)) await act({ world, rng, who: person, room }, 'join', joinRoom)
    }
    await sharePower(world, rng, room)
  }
}

/** Who does what where: mostly those who are in a room, but for what only those outside can do. */
const turnOf = (world: World, number: number, common: PlayedRoom): [Turn, string, Deed] => {
  const rng = new SeededRandom(world.seed * 65_537 + number)
  const [name, deed] = aDeed(rng)
  const room = rng.chance(0.7) ? common : rng.pick(world.rooms)
  const inside = [...world.membersOf(room)]
  const outside = world.people.filter(person => !inside.includes(person))
  const wanted = ['join', 'knock', 'forget'].includes(name) ? outside : inside
  const who = wanted.length === 0 || rng.chance(0.15) ? rng.pick(world.people) : rng.pick(wanted)
  return [{ world, rng, who, room }, name, deed]
}

/** Some deeds side by side. */
const burst = async (world: World, rng: SeededRandom, from: number, count: number): Promise<void> => {
  const common = rng.pick(world.rooms)
  const turns = Array.from({ length: count }, (_, n) => turnOf(world, from + n, common))
  await Promise.all(turns.map(([turn, name, deed]) => act(turn, name, deed)))
}

const changeLinks = (world: World, rng: SeededRandom): void => {
  const { links, servers } = world
  const [one, other] = rng.shuffled(servers)
  if (links.isCut && rng.chance(0.55)) {
    links.heal()
    world.log('HEAL')
  } else if (one !== undefined && other !== undefined) {
    links.cut(one, other)
    const isWhole = rng.chance(0.6)
    if (isWhole) links.cut(other, one)
    world.log('CUT', one.label, isWhole ? 'and' : 'to', other.label)
  }
}

/** So many deeds, over links that are cut and healed, on servers that are killed and come back. */
export const play = async (world: World, deedCount: number, withKills: boolean): Promise<void> => {
  const rng = new SeededRandom(world.seed ^ 0x5eed)
  for (let done = 0; done < deedCount; ) {
    if (rng.chance(0.13)) changeLinks(world, rng)
    const count = rng.chance(0.4) ? 2 + rng.below(4) : 1
    const victim = rng.pick(world.servers)
    if (rng.chance(0.03) && withKills) {
      const running = burst(world, rng, done, count)
      await sleep(rng.below(150))
      world.log('KILL', victim.label)
      await victim.kill()
      await running
      await victim.start()
      world.log('UP')
    } else await burst(world, rng, done, count)
    done += count
  }
}

/** Lets whoever may say something, one on each server, so that all hear where the others are. */
export const speak = async (world: World): Promise<void> => {
  for (const room of world.rooms)
    for (const server of world.servers)
      for (const who of world.peopleOf(server)) {
        const turn = { world, rng: new SeededRandom(1), who, room }
        const { status } = await act(turn, 'say', roomDeeds['say']?.[1] ?? joinRoom)
        if (status === 200) break
      }
}

/** Opens all links, and all rooms to all servers. */
export const calm = async (world: World): Promise<void> => {
  world.links.heal()
  world.log('HEAL to settle')
  await sleep(2500)
  const open = { allow: ['*'], deny: [], allow_ip_literals: true }
  for (const room of world.rooms.filter(({ wasShut }) => wasShut))
    for (const who of world.people) await setState({ who, room }, 'm.room.server_acl', open)
  await speak(world)
}
