import type { Person, ShownEvent, ShownRoom, SyncParameters } from './people.ts'

/** The texts of messages among events. */
export const bodies = (events: readonly ShownEvent[] = []): unknown[] =>
  events.flatMap(({ content }) => content['body'] ?? [])

export const types = (events: readonly ShownEvent[] = []): string[] => events.map(({ type }) => type)

export const contents = (events: readonly ShownEvent[] = []): unknown[] =>
  events.map(({ content }) => content)

/** The state that a room is told with, by type and state key. */
export const stateOf = (room: ShownRoom | undefined): Map<string, ShownEvent> =>
  new Map((room?.state?.events ?? []).map(event => [`${event.type} ${event.state_key}`, event]))

/** A public room of `creator` that the others are in. */
export const roomOf = async (
  creator: Person,
  others: readonly Person[] = [],
  settings: object = {},
): Promise<string> => {
  const roomId = await creator.createRoom({ preset: 'public_chat', ...settings })
  for (const other of others) await other.change('join', roomId)
  return roomId
}

/** Syncs; answers whose member events the state of a room in the response holds, and where to go on. */
export const membersTold = async (person: Person, roomId: string, parameters: SyncParameters) => {
  const answer = await person.sync(parameters)
  const events = answer.rooms?.join?.[roomId]?.state?.events ?? []
  const members = events.filter(({ type }) => type === 'm.room.member').map(event => event.state_key)
  return { members: members.sort(), since: answer.next_batch, room: answer.rooms?.join?.[roomId] }
}
