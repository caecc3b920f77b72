import { call, type Person } from './people.ts'
import { at, type Deed, type Deeds, type Done, type Turn } from './world.ts'

const others = ({ world, who }: Turn): Person[] => world.people.filter(person => person !== who)

/** By which servers somebody looks for a room: all others, or a few in any order. */
const via = ({ world, rng, who }: Turn): string => {
  const all = rng.shuffled(world.servers.filter(server => server !== who.server).map(({ name }) => name))
  const some = rng.chance(0.3) ? all.slice(0, 1) : all
  return some.map(name => `via=${name}&server_name=${name}`).join('&')
}

const join: Deed = async turn => {
  const { who, room, world } = turn
  const servers = via(turn)
  const done = await call(who, 'POST', `/join/${encodeURIComponent(room.id)}?${servers}`, {})
  if (done.status === 200) world.membersOf(room).add(who)
  return { ...done, note: servers }
}

const knock: Deed = turn => {
  const path = `/knock/${encodeURIComponent(turn.room.id)}?${via(turn)}`
  return call(turn.who, 'POST', path, { reason: 'please' })
}

const leave: Deed = async ({ world, who, room }) => {
  const done = await call(who, 'POST', `${at(room)}/leave`, {})
  if (done.status === 200) world.membersOf(room).delete(who)
  return done
}

const forget: Deed = ({ who, room }) => call(who, 'POST', `${at(room)}/forget`, {})

const towards =
  (what: string): Deed =>
  async turn => {
    const { rng, who, room } = turn
    const other = rng.pick(others(turn))
    return change(turn, what, who, room, other)
  }

const change = async (
  { world }: Pick<Turn, 'world'>,
  what: string,
  who: Person,
  room: Turn['room'],
  other: Person,
): Promise<Done> => {
  const done = await call(who, 'POST', `${at(room)}/${what}`, { user_id: other.id, reason: 'r' })
  if (done.status === 200 && (what === 'kick' || what === 'ban')) world.membersOf(room).delete(other)
  return { ...done, note: other.label }
}

export const invite = (world: Turn['world'], who: Person, room: Turn['room'], other: Person): Promise<Done> =>
  change({ world }, 'invite', who, room, other)

/** How people come into rooms and out of them. */
export const memberDeeds: Deeds = {
  invite: [8, towards('invite')],
  join: [14, join],
  knock: [3, knock],
  leave: [6, leave],
  forget: [2, forget],
  kick: [6, towards('kick')],
  ban: [4, towards('ban')],
  unban: [4, towards('unban')],
}

export const joinRoom = join
