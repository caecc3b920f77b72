import {
  accept,
  at,
  both,
  invite,
  joinThrough,
  makeRoom,
  type Play,
  pair,
  promote,
  refused,
  type Scenario,
  sees,
  seesMembership,
  setState,
  sharedVersion,
  talk,
} from './interop-parts.ts'
import type { PlainClient, SeenEvent } from './plain-client.ts'
import type { SwitchedNetwork } from './switched-network.ts'

/** What is not told at once may take as long as the other server waits before it tries again. */
const PATIENCE_MS = 60_000
const BETWEEN_TRIES_MS = 500

const without = (some: ReadonlySet<string>, others: ReadonlySet<string>): string[] =>
  [...some.difference(others)].sort()

/** Asks two people until they tell the same; throws with what only one of them knows. */
const agree = async (
  what: string,
  ask: (who: PlainClient) => Promise<string[]>,
  one: PlainClient,
  other: PlainClient,
): Promise<void> => {
  for (const end = Date.now() + PATIENCE_MS; ; ) {
    const [ofOne, ofOther] = [new Set(await ask(one)), new Set(await ask(other))]
    if (ofOne.symmetricDifference(ofOther).size === 0) return
    if (Date.now() > end) {
      const [only, onlyOther] = [without(ofOne, ofOther), without(ofOther, ofOne)]
      throw new Error(
        `${what}: only ${one.userId} knows ${only.join()}; only ${other.userId} knows ${onlyOther.join()}`,
      )
    }
    await new Promise(next => setTimeout(next, BETWEEN_TRIES_MS))
  }
}

/** All that can be paged through, newest first. */
const history = async (who: PlainClient, roomId: string): Promise<SeenEvent[]> => {
  const found: SeenEvent[] = []
  for (let from = ''; ; ) {
    const answer = await who.call('GET', `${at(roomId)}/messages?dir=b&limit=50${from}`)
    found.push(...(answer['chunk'] as unknown as SeenEvent[]))
    if (answer['end'] === undefined) return found
    from = `&from=${encodeURIComponent(String(answer['end']))}`
  }
}

/** The messages of a room, by one of its members. */
const messagesOf =
  (roomId: string) =>
  async (who: PlainClient): Promise<string[]> =>
    (await history(who, roomId)).flatMap(event => event.content.body ?? [])

/** Which events are the state of a room, for one of its members. */
const stateOf =
  (roomId: string) =>
  async (who: PlainClient): Promise<string[]> => {
    const events = (await who.call('GET', `${at(roomId)}/state`)) as unknown as SeenEvent[]
    return events.map(({ type, state_key: key, event_id: id, sender }) => `${type}|${key}|${id}|${sender}`)
  }

/** While something happens, no server hears from the other. */
const apart = async (network: SwitchedNetwork, work: () => Promise<void>): Promise<void> => {
  network.isDown = true
  try {
    await work()
  } finally {
    network.isDown = false
  }
}

/** Tries until it works: a server that was away is not asked again at once by all. */
const inTheEnd = async (work: () => Promise<void>): Promise<void> => {
  for (const end = Date.now() + PATIENCE_MS; ; ) {
    try {
      return await work()
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise(next => setTimeout(next, BETWEEN_TRIES_MS))
    }
  }
}

/** Both hear a new message of the other: then all that was missed in between can be looked for. */
const meetAgain = async (one: PlainClient, other: PlainClient, roomId: string): Promise<void> => {
  for (const [speaker, listener] of [
    [one, other],
    [other, one],
  ] as const) {
    const body = `${speaker.userId} is back`
    await speaker.say(roomId, body)
    await sees(listener, roomId, body, event => event.content.body === body)
  }
}

/** More than are told with one answer about missing events. */
const MISSED = 25

const missed: Play = async (first, second, network) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  await apart(network, async () => {
    for (let n = 0; n < MISSED; n++) await host.say(roomId, `missed ${n}`)
    await setState(host, roomId, 'm.room.topic', { topic: 'missed' })
  })
  await meetAgain(host, guest, roomId)
  await agree('what was missed', messagesOf(roomId), host, guest)
  await agree('the state', stateOf(roomId), host, guest)
}

/** Who writes in a room while it is parted: two who may do everything, two who may do much, and one who comes meanwhile. */
interface Parted {
  readonly host: PlainClient
  readonly guest: PlainClient
  readonly neighbour: PlainClient
  readonly friend: PlainClient
  readonly roomId: string
}

const gather = async (first: string, second: string, version: string): Promise<Parted> => {
  const [host, guest] = await pair(first, second)
  const [neighbour, friend] = await pair(first, second)
  const roomId = await makeRoom(host, {
    preset: 'public_chat',
    room_version: await sharedVersion(host, guest, version),
  })
  for (const each of [guest, neighbour, friend]) {
    await joinThrough(each, roomId, host)
    await seesMembership(host, roomId, each.userId, 'join')
  }
  await promote(host, roomId, guest, { [guest.userId]: 100, [neighbour.userId]: 50, [friend.userId]: 50 })
  await talk(host, guest, roomId)
  return { host, guest, neighbour, friend, roomId }
}

/** What both sides do apart, by what it is about. */
const quarrels = {
  'what anybody may': async ({ host, guest, roomId }) => {
    for (const who of [host, guest]) {
      await setState(who, roomId, 'm.room.topic', { topic: `of ${who.userId}` })
      await who.say(roomId, `${who.userId} alone`)
    }
  },
  'who is in': async ({ host, guest, neighbour, friend, roomId }) => {
    await host.call('POST', `${at(roomId)}/ban`, { user_id: friend.userId })
    await friend.say(roomId, 'I know of no ban')
    await setState(friend, roomId, 'm.room.name', { name: 'Of a friend' })
    await guest.call('POST', `${at(roomId)}/kick`, { user_id: neighbour.userId })
    await setState(neighbour, roomId, 'm.room.avatar', { url: 'mxc://example.org/neighbour' })
  },
  'who may do what': async ({ host, guest, roomId }) => {
    const levels = await host.call('GET', `${at(roomId)}/state/m.room.power_levels/`)
    await setState(host, roomId, 'm.room.power_levels', { ...levels, events_default: 10 })
    await setState(guest, roomId, 'm.room.power_levels', { ...levels, state_default: 100 })
    await setState(host, roomId, 'm.room.join_rules', { join_rule: 'invite' })
  },
} satisfies Record<string, (parted: Parted) => Promise<void>>

type Quarrel = keyof typeof quarrels

const EVERYTHING = Object.keys(quarrels) as Quarrel[]

const quarrel =
  (version: string, ...about: readonly Quarrel[]): Play =>
  async (first, second, network) => {
    const parted = await gather(first, second, version)
    const { host, guest, roomId } = parted
    await apart(network, async () => {
      for (const each of about) await quarrels[each](parted)
    })
    await meetAgain(host, guest, roomId)
    await agree('the state', stateOf(roomId), host, guest)
    await talk(host, guest, roomId)
  }

/** What needs the other server is refused while it is away, and works afterwards. */
const unreachable: Play = async (first, second, network) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await apart(network, async () => {
    await refused('a join over a broken net', joinThrough(guest, roomId, host))
    await refused(
      'an invitation over a broken net',
      host.call('POST', `${at(roomId)}/invite`, { user_id: guest.userId }),
    )
  })
  await inTheEnd(() => joinThrough(guest, roomId, host))
  await talk(host, guest, roomId)
}

/** An invitation whose withdrawal nobody hears of, or whose server is away, can be declined all the same. */
const declinedAlone: Play = async (first, second, network) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host)
  await invite(host, guest, roomId)
  await apart(network, async () => {
    await host.call('POST', `${at(roomId)}/kick`, { user_id: guest.userId })
    await guest.call('POST', `${at(roomId)}/leave`, {})
    await guest.until('the end of the invitation', sync => sync.rooms?.leave?.[roomId])
  })
  await inTheEnd(() => invite(host, guest, roomId))
  await accept(guest, roomId)
  await talk(host, guest, roomId)
}

/** What becomes of rooms whose servers don't hear from each other for a while. */
export const outageScenarios: readonly [string, Scenario][] = [
  ...both('what was missed in an outage is fetched', missed),
  ...both('what needs an unreachable server is refused, and works later', unreachable),
  ...both('an invitation is declined while its server is away', declinedAlone),
  ...EVERYTHING.flatMap(about =>
    both(`both sides quarrel about ${about} and agree again`, quarrel('11', about)),
  ),
  ...['1', '2', '6', '10', '11', '12'].flatMap(version =>
    both(`both sides quarrel about everything in room version ${version}`, quarrel(version, ...EVERYTHING)),
  ),
]
