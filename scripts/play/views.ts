import { listIn, recordIn, textIn } from './json.ts'
import type { LiveServer } from './live-server.ts'
import { call, type Person } from './people.ts'
import { type Fate, fatesOn } from './server-events.ts'
import { at, type PlayedRoom, type World } from './world.ts'

/** A room as somebody in it sees it, by their server. */
export interface View {
  readonly server: LiveServer
  readonly reader: Person
  /** The events of its state by type and key. */
  readonly state: ReadonlyMap<string, string>
  readonly memberships: ReadonlyMap<string, string>
  readonly fates: ReadonlyMap<string, Fate>
  /** Whether its access control list keeps anybody out. */
  readonly isShut: boolean
}

export interface RoomViews {
  readonly room: PlayedRoom
  /** Of each server on which somebody believes that they are in the room, and has an account. */
  readonly views: readonly View[]
  /** Who is told by their own server that they are in it. */
  readonly believers: readonly Person[]
}

const viewOf = async (room: PlayedRoom, reader: Person): Promise<View | undefined> => {
  const { status, body } = await call(reader, 'GET', `${at(room)}/state`)
  if (status !== 200) return undefined
  const state = new Map<string, string>()
  const memberships = new Map<string, string>()
  let isShut = false
  for (const event of listIn(body)) {
    const [type, key] = [textIn(event, 'type'), textIn(event, 'state_key')]
    state.set(`${type}|${key}`, textIn(event, 'event_id'))
    if (type === 'm.room.server_acl') isShut = listIn(event, 'content', 'deny').length > 0
    if (type === 'm.room.member') memberships.set(key, textIn(event, 'content', 'membership'))
  }
  return { server: reader.server, reader, state, memberships, fates: fatesOn(reader.server, room), isShut }
}

/** The rooms that somebody's server tells them that they are in; guests may ask for them by no other way. */
const joinedBy = async (person: Person): Promise<readonly string[]> => {
  const filter = { room: { timeline: { limit: 1 }, state: { types: [] } } }
  const path = `/sync?timeout=0&set_presence=offline&filter=${encodeURIComponent(JSON.stringify(filter))}`
  return Object.keys(recordIn((await call(person, 'GET', path)).body, 'rooms', 'join'))
}

/** Asks people of all servers for all rooms. */
export const viewsOf = async (world: World): Promise<RoomViews[]> => {
  const joined = new Map<Person, readonly string[]>()
  for (const person of world.people) joined.set(person, await joinedBy(person))
  const all: RoomViews[] = []
  for (const room of world.rooms) {
    const believers = world.people.filter(person => joined.get(person)?.includes(room.id))
    const views: View[] = []
    for (const server of world.servers) {
      // Guests may not ask for everything.
      const reader = believers.find(person => person.server === server && !person.isGuest)
      const view = reader && (await viewOf(room, reader))
      if (view !== undefined) views.push(view)
    }
    all.push({ room, views, believers })
  }
  return all
}
