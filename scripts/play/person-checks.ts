import { inside, listIn, recordIn, sortedJson, textIn } from './json.ts'
import { call, type Device, type Person } from './people.ts'
import type { RoomViews } from './views.ts'
import type { World } from './world.ts'

const asker = (world: World, server: Person['server'], of: Person): Person | undefined =>
  world.peopleOf(server).find(person => person !== of)

/** What somebody's server says of them, and what the others say. */
const checkAsked = async (
  world: World,
  of: Person,
  what: string,
  ask: (who: Person) => Promise<string>,
): Promise<string[]> => {
  const answers: [string, string][] = []
  for (const server of [of.server, ...world.servers.filter(each => each !== of.server)]) {
    const who = asker(world, server, of)
    if (who !== undefined) answers.push([server.label, await ask(who)])
  }
  const isSame = new Set(answers.map(([, answer]) => answer)).size < 2
  return isSame ? [] : [`${what} of ${of.label} — ${answers.map(each => each.join(': ')).join(' — ')}`]
}

const keysOf = async (who: Person, of: Person): Promise<string> => {
  const { status, body } = await call(who, 'POST', '/keys/query', { device_keys: { [of.id]: [] } })
  const devices = Object.entries(recordIn(body, 'device_keys', of.id)).map(([id, device]) => [
    id,
    recordIn(device, 'keys'),
  ])
  const master = recordIn(body, 'master_keys', of.id, 'keys')
  return sortedJson([status, Object.fromEntries(devices), master])
}

const profileOf = async (who: Person, of: Person): Promise<string> => {
  const { status, body } = await call(who, 'GET', `/profile/${encodeURIComponent(of.id)}`)
  return sortedJson([status, textIn(body, 'displayname'), textIn(body, 'avatar_url')])
}

/** What was sent to a device since a token, in the order in which it comes, and the token to go on from. */
const inbox = async (
  who: Person,
  device: Device,
  from: string,
): Promise<{ names: string[]; since: string }> => {
  const names: string[] = []
  const filter = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 1 } } }))
  let since = from
  for (;;) {
    const path = `/sync?timeout=0&set_presence=offline&filter=${filter}${since && `&since=${since}`}`
    const { body } = await call(who, 'GET', path, undefined, device)
    const events = listIn(body, 'to_device', 'events').filter(event => textIn(event, 'type') === 'x.test')
    names.push(...events.map(event => textIn(event, 'content', 'name')))
    since = textIn(body, 'next_batch') || since
    if (events.length === 0) return { names, since }
  }
}

/** Each message to a device comes once, and after those that were sent to it by the same person before. */
export class Inboxes {
  readonly #seen = new Map<string, string[]>()
  readonly #since = new Map<string, string>()

  async check(world: World): Promise<string[]> {
    const found: string[] = []
    for (const to of world.people)
      for (const device of to.devices) {
        const key = `${to.id} ${device.id}`
        const { names, since } = await inbox(to, device, this.#since.get(key) ?? '')
        const seen = [...(this.#seen.get(key) ?? []), ...names]
        this.#since.set(key, since)
        this.#seen.set(key, seen)
        const wanted = world.toDevice.filter(each => each.to === to && each.deviceId === device.id)
        for (const { name, from } of wanted) {
          const times = seen.filter(each => each === name).length
          if (times !== 1)
            found.push(
              `TO DEVICE ${name} ${from.label} > ${to.label} (${to.server.label}) came ${times} times`,
            )
        }
        for (const first of wanted)
          for (const second of wanted)
            if (
              first.from === second.from &&
              first.answered < second.started &&
              seen.includes(second.name) &&
              seen.indexOf(first.name) > seen.indexOf(second.name)
            )
              found.push(
                `ORDER ${first.from.label} > ${to.label} (${to.server.label}) ${second.name} before ${first.name}`,
              )
      }
    return found
  }
}

/** What one is told of receipts: who, of which thread, on what. */
const receiptsSeen = async (who: Person, roomId: string): Promise<ReadonlyMap<string, string>> => {
  const filter = encodeURIComponent(JSON.stringify({ room: { rooms: [roomId], timeline: { limit: 1 } } }))
  const { body } = await call(who, 'GET', `/sync?timeout=0&set_presence=offline&filter=${filter}`)
  const seen = new Map<string, string>()
  for (const event of listIn(body, 'rooms', 'join', roomId, 'ephemeral', 'events')) {
    if (textIn(event, 'type') !== 'm.receipt') continue
    for (const [eventId, kinds] of Object.entries(recordIn(event, 'content')))
      for (const kind of ['m.read', 'm.read.private'])
        for (const [userId, receipt] of Object.entries(recordIn(kinds, kind)))
          if (kind === 'm.read' || userId !== who.id)
            seen.set(`${kind} ${userId} ${textIn(receipt, 'thread_id')}`, eventId)
  }
  return seen
}

/**
 * Receipts of our people are the same everywhere, and private ones nowhere. (Synapse keeps those that it owes in memory alone, and
 * loses them where it is killed.)
 */
export const checkReceipts = async (world: World, { room, views }: RoomViews): Promise<string[]> => {
  const found: string[] = []
  const all = []
  for (const { server, reader } of views) all.push({ server, seen: await receiptsSeen(reader, room.id) })
  for (const { server, seen } of all)
    for (const key of seen.keys())
      if (key.startsWith('m.read.private')) found.push(`PRIVATE ${room.label} ${server.label} shows ${key}`)
  for (const own of all.filter(({ server }) => server.kind === 'ours')) {
    const mine = new Set(world.peopleOf(own.server).map(({ id }) => id))
    for (const [key, eventId] of own.seen) {
      const userId = key.split(' ')[1] ?? ''
      // "Read receipts for events that a user sent do not need to be sent."
      const isOwn = world.events.some(({ id, by }) => id === eventId && by.id === userId)
      for (const other of isOwn ? [] : all)
        if (mine.has(userId) && other.seen.get(key) !== eventId)
          found.push(
            `RECEIPT ${room.label} ${key}: ${eventId}, on ${other.server.label} ${other.seen.get(key)}`,
          )
    }
  }
  return found
}

/** Those who share a room with somebody hear how they are. */
const checkPresence = async (world: World, all: readonly RoomViews[]): Promise<string[]> => {
  const found: string[] = []
  for (const of of world.people.filter(({ server }) => server.kind === 'ours')) {
    const path = `/presence/${encodeURIComponent(of.id)}/status`
    const own = textIn((await call(of, 'GET', path)).body, 'status_msg')
    for (const { room, views, believers } of all)
      for (const { server, reader, memberships } of views) {
        if (own === '' || server === of.server || !believers.includes(of)) continue
        if (memberships.get(of.id) !== 'join') continue
        const there = inside((await call(reader, 'GET', path)).body, 'status_msg')
        if (there !== own)
          found.push(`PRESENCE ${room.label} ${of.label}: ${own}, on ${server.label} ${there}`)
      }
  }
  return found
}

/** How servers differ on people: keys, profiles, presence, and one-time keys that were given away twice. */
export const checkPeople = async (world: World, all: readonly RoomViews[]): Promise<string[]> => {
  const found: string[] = []
  for (const of of world.people) {
    found.push(...(await checkAsked(world, of, 'KEYS', who => keysOf(who, of))))
    if (!of.isGuest) found.push(...(await checkAsked(world, of, 'PROFILE', who => profileOf(who, of))))
  }
  const twice = world.claimed.filter((key, index) => world.claimed.indexOf(key) !== index)
  found.push(...twice.map(key => `CLAIMED twice: ${key}`))
  found.push(...(await checkPresence(world, all)))
  return found
}
