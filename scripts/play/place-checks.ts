import { listIn, textIn } from './json.ts'
import { call, transfer } from './people.ts'
import { filePath } from './person-deeds.ts'
import type { RoomViews } from './views.ts'
import { at, type World } from './world.ts'

/** Each alias leads everywhere where its server says. */
const checkAliases = async (world: World): Promise<string[]> => {
  const found: string[] = []
  for (const { alias, server: home } of world.aliases) {
    const answers: string[] = []
    for (const server of [home, ...world.servers.filter(each => each !== home)]) {
      const [who] = world.peopleOf(server)
      if (who === undefined) continue
      const { status, body } = await call(who, 'GET', `/directory/room/${encodeURIComponent(alias)}`)
      answers.push(`${status} ${textIn(body, 'room_id') || textIn(body, 'errcode')}`)
    }
    if (new Set(answers).size > 1) found.push(`ALIAS ${alias} — ${answers.join(' — ')}`)
  }
  return found
}

/** Each server lists the same to people of others as to its own. */
const checkDirectories = async (world: World): Promise<string[]> => {
  const found: string[] = []
  for (const home of world.servers) {
    const answers: string[] = []
    for (const server of [home, ...world.servers.filter(each => each !== home)]) {
      const [who] = world.peopleOf(server)
      if (who === undefined) continue
      const path = `/publicRooms?limit=500${server === home ? '' : `&server=${home.name}`}`
      const { status, body } = await call(who, 'GET', path)
      const rooms = listIn(body, 'chunk').map(room => textIn(room, 'room_id'))
      answers.push(
        `${status} ${rooms
          .filter(id => world.rooms.some(room => room.id === id))
          .sort()
          .join(' ')}`,
      )
    }
    if (new Set(answers).size > 1) found.push(`DIRECTORY of ${home.label} — ${answers.join(' — ')}`)
  }
  return found
}

/** Those in a space see the same rooms in it, of those that everybody may see. */
const checkSpaces = async (all: readonly RoomViews[]): Promise<string[]> => {
  const found: string[] = []
  for (const { room, views } of all) {
    if (!room.isSpace || views.length < 2) continue
    const answers: [string, Map<string, string>][] = []
    for (const { server, reader } of views) {
      const { status, body } = await call(reader, 'GET', `/_matrix/client/v1${at(room)}/hierarchy?limit=50`)
      const rooms = listIn(body, 'rooms').map((each): [string, string] => [
        textIn(each, 'room_id'),
        textIn(each, 'join_rule'),
      ])
      if (status !== 200)
        found.push(`HIERARCHY ${room.label} ${server.label} ${status} ${JSON.stringify(body)}`)
      answers.push([server.label, new Map(rooms)])
    }
    for (const [label, rooms] of answers)
      for (const [roomId, rule] of rooms)
        for (const [otherLabel, others] of answers)
          if (rule === 'public' && !others.has(roomId))
            found.push(
              `HIERARCHY ${room.label} ${label} shows ${all.find(each => each.room.id === roomId)?.room.label ?? roomId}, ${otherLabel} does not`,
            )
  }
  return found
}

/** Each file, and a small picture of it, is had from everywhere. */
const checkFiles = async (world: World): Promise<string[]> => {
  const found: string[] = []
  for (const { uri, bytes } of world.files)
    for (const server of world.servers) {
      const [who] = world.peopleOf(server)
      if (who === undefined) continue
      const file = await transfer(who, filePath(uri, 'download'))
      if (file.status !== 200 || !file.bytes.equals(bytes))
        found.push(`FILE ${uri} on ${server.label}: ${file.status}`)
      const small = await transfer(who, filePath(uri, 'thumbnail'))
      if (small.status !== 200) found.push(`THUMBNAIL ${uri} on ${server.label}: ${small.status}`)
    }
  return found
}

/** How servers differ on where rooms are, and on files. */
export const checkPlaces = async (world: World, all: readonly RoomViews[]): Promise<string[]> => [
  ...(await checkAliases(world)),
  ...(await checkDirectories(world)),
  ...(await checkSpaces(all)),
  ...(await checkFiles(world)),
]
