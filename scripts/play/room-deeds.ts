import { inside, listIn, recordIn, textIn } from './json.ts'
import { call } from './people.ts'
import { at, type Deed, type Deeds, type Done, type PlayedRoom, type Turn } from './world.ts'

/** The versions, the present ones most often. */
export const aVersion = ({ rng }: Pick<Turn, 'rng'>): string =>
  rng.pick(['12', '12', '12', '11', '11', '10', '10', String(1 + rng.below(9))])

/** One of the last events that anybody heard of in the room, whether or not the server of who asks has it. */
export const recent = ({ world, rng, room }: Turn): string => {
  const last = world.events.filter(event => event.room === room).slice(-12)
  return last.length === 0 ? '$none' : rng.pick(last).id
}

const send = ({ world, who, room }: Turn, type: string, content: object): Promise<Done> =>
  call(who, 'PUT', `${at(room)}/send/${type}/t${world.next()}`, content)

export const setState = (
  { who, room }: Pick<Turn, 'who' | 'room'>,
  type: string,
  content: object,
  key = '',
): Promise<Done> => call(who, 'PUT', `${at(room)}/state/${type}/${encodeURIComponent(key)}`, content)

const say: Deed = turn => send(turn, 'm.room.message', { msgtype: 'm.text', body: `m${turn.world.next()}` })

const relate: Deed = turn => {
  const event_id = recent(turn)
  const body = `r${turn.world.next()}`
  switch (turn.rng.below(3)) {
    case 0:
      return send(turn, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id, key: body } })
    case 1: {
      const content = { msgtype: 'm.text', body, 'm.relates_to': { rel_type: 'm.thread', event_id } }
      return send(turn, 'm.room.message', content)
    }
    default: {
      const text = { msgtype: 'm.text', body }
      const relation = { rel_type: 'm.replace', event_id }
      return send(turn, 'm.room.message', { ...text, 'm.new_content': text, 'm.relates_to': relation })
    }
  }
}

const state: Deed = turn => {
  const { rng, world, who } = turn
  const n = world.next()
  const [type, content] = rng.pick([
    ['m.room.name', { name: `n${n}` }],
    ['m.room.topic', { topic: `t${n}` }],
    ['m.room.avatar', { url: `mxc://example.org/a${n}` }],
    ['m.room.guest_access', { guest_access: rng.pick(['can_join', 'can_join', 'forbidden']) }],
    ['x.thing', { n }],
  ] as const)
  return setState(turn, type, content, type === 'x.thing' ? rng.pick(['', 'a', who.id]) : '')
}

const joinRules: Deed = async turn => {
  const { rng, world, room } = turn
  const { id } = rng.pick(world.rooms)
  const allow = [{ type: 'm.room_membership', room_id: id }]
  const rules = ['public', 'public', 'invite', 'knock', 'restricted', 'restricted', 'knock_restricted']
  const rule = rng.pick(Number(room.version) < 8 ? rules.slice(0, 4) : rules)
  const content = rule.endsWith('restricted') ? { join_rule: rule, allow } : { join_rule: rule }
  return { ...(await setState(turn, 'm.room.join_rules', content)), note: rule }
}

const visibility: Deed = async turn => {
  const wanted = turn.rng.pick(['shared', 'shared', 'world_readable', 'joined', 'invited'])
  const done = await setState(turn, 'm.room.history_visibility', { history_visibility: wanted })
  if (done.status !== 403 && ['joined', 'invited'].includes(wanted)) turn.room.isHidden = true
  return { ...done, note: wanted }
}

const accessList: Deed = async turn => {
  const deny = turn.rng.chance(0.5) ? [turn.rng.pick(turn.world.servers).host] : []
  const done = await setState(turn, 'm.room.server_acl', { allow: ['*'], deny, allow_ip_literals: true })
  if (done.status !== 403) turn.room.wasShut = true
  return { ...done, note: deny.join() }
}

/** One number or one person's, more or less than it was. */
const levels: Deed = async turn => {
  const { rng, world, who, room } = turn
  const kind = rng.below(6)
  const other = rng.pick(world.people).id
  const level = rng.pick([0, 0, 50, 50, 100])
  const field = rng.pick([
    'invite',
    'kick',
    'ban',
    'redact',
    'events_default',
    'state_default',
    'users_default',
  ])
  const type = rng.pick(['m.room.topic', 'm.room.name', 'm.room.join_rules', 'x.thing', 'm.room.message'])
  const current = await call(who, 'GET', `${at(room)}/state/m.room.power_levels/`)
  if (current.status !== 200) return current
  const content = structuredClone(recordIn(current.body)) as Record<string, unknown>
  const users = { ...recordIn(content, 'users') }
  if (kind < 3) users[other] = level
  else if (kind === 3) delete users[other]
  else if (kind === 4) content[field] = level
  else content['events'] = { ...recordIn(content, 'events'), [type]: level }
  if (room.version === '12') delete users[room.maker.id]
  const done = await setState(turn, 'm.room.power_levels', { ...content, users })
  const what = kind < 4 ? world.labelOf(other) : kind === 4 ? field : type
  return { ...done, note: `${what}=${kind === 3 ? 'none' : level}` }
}

const redact: Deed = async turn => {
  const { rng, world, who, room } = turn
  let eventId = recent(turn)
  if (rng.chance(0.3)) {
    const { body } = await call(who, 'GET', `${at(room)}/state`)
    // Synapse redacts no create events, and does not say so where the redaction comes from elsewhere.
    const all = listIn(body).filter(one => textIn(one, 'type') !== 'm.room.create')
    if (all.length > 0) eventId = textIn(rng.pick(all), 'event_id')
  }
  const path = `${at(room)}/redact/${encodeURIComponent(eventId)}/t${world.next()}`
  return { ...(await call(who, 'PUT', path, {})), note: eventId }
}

/** Makes a room, or a space. */
export const makeRoom = async ({ world, rng, who }: Omit<Turn, 'room'>): Promise<Done> => {
  const version = aVersion({ rng })
  const preset = rng.pick(['public_chat', 'private_chat', 'trusted_private_chat'])
  const isSpace = rng.chance(0.2)
  const visibility = rng.chance(0.4) ? 'public' : 'private'
  const other = rng.pick(world.people)
  const users = { [who.id]: 100, ...(rng.chance(0.5) && { [other.id]: 50 }) }
  const done = await call(who, 'POST', '/createRoom', {
    room_version: version,
    preset,
    visibility,
    creation_content: {
      ...(isSpace && { type: 'm.space' }),
      ...(version === '12' && rng.chance(0.3) && { additional_creators: [other.id] }),
    },
    ...(version !== '12' && rng.chance(0.3) && { power_level_content_override: { users } }),
  })
  if (done.status === 200) addRoom({ world, who }, textIn(done.body, 'room_id'), version, isSpace)
  return { ...done, note: `v${version} ${preset}` }
}

const addRoom = (
  { world, who }: Pick<Turn, 'world' | 'who'>,
  id: string,
  version: string,
  isSpace: boolean,
  before?: PlayedRoom,
): void => {
  const label = `${isSpace ? 'S' : 'R'}${world.rooms.length}(v${version},${who.label}${before ? ` after ${before.label}` : ''})`
  const { isHidden, wasShut } = before ?? { isHidden: false, wasShut: false }
  const room = { id, label, version, maker: who, isSpace, isHidden, wasShut }
  world.rooms.push(room)
  world.membersOf(room).add(who)
}

const upgrade: Deed = async turn => {
  const version = aVersion(turn)
  const done = await call(turn.who, 'POST', `${at(turn.room)}/upgrade`, { new_version: version })
  const id = textIn(done.body, 'replacement_room')
  if (done.status === 200) addRoom(turn, id, version, turn.room.isSpace, turn.room)
  return { ...done, note: `to ${version}` }
}

const child: Deed = turn => {
  const { rng, world } = turn
  const spaces = world.rooms.filter(({ isSpace }) => isSpace)
  const room = spaces.length === 0 ? turn.room : rng.pick(spaces)
  const { id } = rng.pick(world.rooms)
  const via = rng.shuffled(world.servers.map(({ name }) => name)).slice(0, 1 + rng.below(2))
  return setState({ who: turn.who, room }, 'm.space.child', rng.chance(0.8) ? { via } : {}, id)
}

const alias: Deed = async ({ world, rng, who, room }) => {
  const known = world.aliases.filter(({ server }) => server === who.server)
  const isNew = known.length === 0 || rng.chance(0.6)
  const name = `#x${world.seed}n${world.next()}:${who.server.name}`
  const { alias } = isNew ? { alias: name } : rng.pick(known)
  if (isNew) world.aliases.push({ alias, server: who.server })
  const path = `/directory/room/${encodeURIComponent(alias)}`
  return {
    ...(await (isNew ? call(who, 'PUT', path, { room_id: room.id }) : call(who, 'DELETE', path))),
    note: alias,
  }
}

const listed: Deed = ({ rng, who, room }) =>
  call(who, 'PUT', `/directory/list/room/${encodeURIComponent(room.id)}`, {
    visibility: rng.pick(['public', 'private']),
  })

const messages: Deed = async ({ rng, who, room }) => {
  const dir = rng.pick(['b', 'b', 'f'])
  const { status, body } = await call(
    who,
    'GET',
    `${at(room)}/messages?dir=${dir}&limit=${5 + rng.below(30)}`,
  )
  return { status, body: status === 200 ? {} : body, note: `${listIn(body, 'chunk').length}` }
}

const context: Deed = async turn => {
  const { status, body } = await call(
    turn.who,
    'GET',
    `${at(turn.room)}/context/${encodeURIComponent(recent(turn))}?limit=8`,
  )
  return { status, body: status === 200 ? {} : body }
}

const instant: Deed = async ({ rng, who, room }) => {
  const ts = Date.now() - rng.below(20_000)
  const path = `/_matrix/client/v1${at(room)}/timestamp_to_event?dir=${rng.pick(['f', 'b'])}&ts=${ts}`
  const { status, body } = await call(who, 'GET', path)
  return { status, body: status === 200 ? {} : body, note: textIn(body, 'event_id') }
}

const hierarchy: Deed = async ({ who, room }) => {
  const { status, body } = await call(who, 'GET', `/_matrix/client/v1${at(room)}/hierarchy`)
  return { status, body: status === 200 ? {} : body, note: `${listIn(inside(body), 'rooms').length}` }
}

/** What people do in a room beside coming and going. */
export const roomDeeds: Deeds = {
  say: [14, say],
  relate: [4, relate],
  state: [7, state],
  'join rules': [5, joinRules],
  visibility: [2, visibility],
  'access list': [0.5, accessList],
  levels: [7, levels],
  redact: [4, redact],
  upgrade: [0.8, upgrade],
  child: [2, child],
  alias: [1.5, alias],
  listed: [0.7, listed],
  messages: [2, messages],
  context: [1.5, context],
  instant: [1, instant],
  hierarchy: [0.7, hierarchy],
}
