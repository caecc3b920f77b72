import { type PlainClient, registerPlainClient, type SeenEvent } from './plain-client.ts'
import type { SwitchedNetwork } from './switched-network.ts'

/** A scenario between two servers, given by the addresses of their client APIs: ours, and the other one; and by the net between them. */
export type Scenario = (ours: string, theirs: string, network: SwitchedNetwork) => Promise<void>

let people = 0

/** What happens between two servers, whichever of them is ours. */
export type Play = (first: string, second: string, network: SwitchedNetwork) => Promise<void>

/** Somebody new on each of the two servers. */
export const pair = async (first: string, second: string): Promise<[PlainClient, PlainClient]> => {
  people += 1
  return [await registerPlainClient(first, `ann${people}`), await registerPlainClient(second, `ben${people}`)]
}

/** Throws unless a value is what it should be. */
export const expect = (what: string, actual: unknown, wanted: unknown): void => {
  if (actual !== wanted) throw new Error(`${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`)
}

/** Thrown by a scenario that asks for what one of the servers says not to have. */
export class NotSupported extends Error {}

const roomVersionsOf = async (who: PlainClient): Promise<readonly string[]> => {
  const { capabilities } = await who.call('GET', '/capabilities')
  const { available } = (capabilities as { 'm.room_versions': { available: object } })['m.room_versions']
  return Object.keys(available)
}

/**
 * The newest of some room versions that the servers of both have.
 * @throws NotSupported where they share none of them
 */
export const sharedVersion = async (
  one: PlainClient,
  other: PlainClient,
  ...newestFirst: readonly string[]
): Promise<string> => {
  const [ofOne, ofOther] = [await roomVersionsOf(one), await roomVersionsOf(other)]
  const version = newestFirst.find(each => ofOne.includes(each) && ofOther.includes(each))
  if (version === undefined) throw new NotSupported(`room version ${newestFirst.join(' or ')}`)
  return version
}

/** Makes a room and answers its ID. */
export const makeRoom = async (maker: PlainClient, fields: object = {}): Promise<string> =>
  String((await maker.call('POST', '/createRoom', fields))['room_id'])

/** The path of a room. */
export const at = (roomId: string): string => `/rooms/${encodeURIComponent(roomId)}`

/** Invites somebody and waits until they know. */
export const invite = async (host: PlainClient, guest: PlainClient, roomId: string): Promise<void> => {
  await host.call('POST', `${at(roomId)}/invite`, { user_id: guest.userId, reason: 'Come in' })
  await guest.until('the invitation', sync => sync.rooms?.invite?.[roomId])
}

/** Joins a room that one is invited to. */
export const accept = async (guest: PlainClient, roomId: string): Promise<void> => {
  await guest.call('POST', `/join/${encodeURIComponent(roomId)}`, {})
}

/** Both talk, and hear each other. */
export const talk = async (one: PlainClient, other: PlainClient, roomId: string): Promise<void> => {
  await one.say(roomId, `hello from ${one.userId}`)
  expect('heard', await other.hears(roomId, one.userId), `hello from ${one.userId}`)
  await other.say(roomId, `hello from ${other.userId}`)
  expect('heard', await one.hears(roomId, other.userId), `hello from ${other.userId}`)
}

/** The server of a user. */
export const serverOf = ({ userId }: PlainClient): string => userId.slice(userId.indexOf(':') + 1)

/** Joins a room through the server of somebody who is in it. */
export const joinThrough = async (guest: PlainClient, roomId: string, host: PlainClient): Promise<void> => {
  const server = encodeURIComponent(serverOf(host))
  await guest.call('POST', `/join/${encodeURIComponent(roomId)}?server_name=${server}&via=${server}`, {})
}

/** Waits for an event of a joined room. */
export const sees = (
  who: PlainClient,
  roomId: string,
  what: string,
  holds: (event: SeenEvent) => boolean,
): Promise<SeenEvent> =>
  who.until(what, sync => {
    const room = sync.rooms?.join?.[roomId]
    return [...(room?.state?.events ?? []), ...(room?.timeline.events ?? [])].find(holds)
  })

/** Waits for somebody's membership in a joined room. */
export const seesMembership = (
  who: PlainClient,
  roomId: string,
  userId: string,
  membership: string,
): Promise<SeenEvent> =>
  sees(
    who,
    roomId,
    `${membership} of ${userId}`,
    event =>
      event.type === 'm.room.member' && event.state_key === userId && event.content.membership === membership,
  )

/** Sets state of a room. */
export const setState = async (
  who: PlainClient,
  roomId: string,
  type: string,
  content: object,
  stateKey = '',
): Promise<void> => {
  await who.call('PUT', `${at(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`, content)
}

/** Lets somebody give others power in a room, and waits until `guest`, who gets some of it, has heard. */
export const promote = async (
  host: PlainClient,
  roomId: string,
  guest: PlainClient,
  levels: Readonly<Record<string, number>>,
): Promise<void> => {
  const before = await host.call('GET', `${at(roomId)}/state/m.room.power_levels/`)
  const users = { ...(before['users'] as object), ...levels }
  await setState(host, roomId, 'm.room.power_levels', { ...before, users })
  await sees(
    guest,
    roomId,
    'the promotion',
    event =>
      event.type === 'm.room.power_levels' &&
      (event.content['users'] as Record<string, number>)[guest.userId] === levels[guest.userId],
  )
}

/** Fails unless something is refused. */
export const refused = async (what: string, work: Promise<unknown>): Promise<void> => {
  const outcome = await work.then(
    () => 'allowed',
    () => 'refused',
  )
  expect(what, outcome, 'refused')
}

/** A play in both directions. */
export const both = (name: string, scenario: Play): [string, Scenario][] => [
  [`${name}, room made here`, (ours, theirs, network) => scenario(ours, theirs, network)],
  [`${name}, room made there`, (ours, theirs, network) => scenario(theirs, ours, network)],
]
