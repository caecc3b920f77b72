import { describe, hasGivenUp } from './server-events.ts'
import type { RoomViews, View } from './views.ts'
import type { World } from './world.ts'

/**
 * Servers that do not hear of each other in a room any more, by the specification, so that nothing of it can be compared: one has
 * soft-failed what the other stands on, or is shut out by an access control list that nobody is left to change.
 */
export const partedIn = (world: World, { room, views, believers }: RoomViews): string[] => {
  const parted: string[] = []
  const shut = views.find(({ isShut }) => isShut)
  if (shut !== undefined) parted.push(`PARTED ${room.label} shuts a server out on ${shut.server.label}`)
  for (const one of views)
    for (const other of views) {
      const own = believers.filter(({ server }) => server === one.server)
      if (one === other || own.some(({ id }) => other.memberships.get(id) === 'join')) continue
      const reasons = own.map(({ id, label }) => {
        const event = one.state.get(`m.room.member|${id}`) ?? ''
        const there = other.state.get(`m.room.member|${id}`)
        return `${label}'s join is ${other.fates.get(event) ?? 'absent'} there, where ${there === undefined ? 'nothing' : describe(world, there)} holds`
      })
      parted.push(
        `PARTED ${room.label} ${one.server.label} is not in it for ${other.server.label}: ${reasons.join('; ')}`,
      )
    }
  return parted
}

const checkState = (world: World, { room, views }: RoomViews): string[] => {
  const keys = new Set(views.flatMap(({ state }) => [...state.keys()]))
  return [...keys]
    .filter(key => new Set(views.map(({ state }) => state.get(key))).size > 1)
    .map(key => {
      const sides = views.map(({ server, state }) => {
        const event = state.get(key)
        return `${server.label}: ${event === undefined ? 'nothing' : `${event} ${describe(world, event)}`}`
      })
      return `STATE ${room.label} ${key} — ${sides.join(' — ')}`
    })
}

/**
 * People whose own server and another disagree on whether they are in the room. What a server said while a room shut it out is lost to
 * the others for good, also that somebody has left.
 */
const checkGhosts = (world: World, { room, views, believers }: RoomViews): string[] =>
  room.wasShut
    ? []
    : world.people.flatMap(person =>
        views
          .filter(
            ({ server, memberships }) =>
              server !== person.server &&
              (memberships.get(person.id) === 'join') !== believers.includes(person),
          )
          .map(({ server, memberships, state }) => {
            const own = believers.includes(person) ? 'in' : 'out'
            const event = describe(world, state.get(`m.room.member|${person.id}`) ?? '')
            return `GHOST ${room.label} ${person.label} is ${own} at home, ${memberships.get(person.id)} on ${server.label} by ${event}`
          }),
      )

const excused = (view: View, room: RoomViews['room'], eventId: string): boolean =>
  view.fates.has(eventId) ? view.fates.get(eventId) !== 'rejected' : hasGivenUp(view.server, room)

/** What is part of the room for one is known to all, and rejected by none. */
const checkEvents = (world: World, { room, views }: RoomViews): string[] => {
  const parts = views.flatMap(({ fates }) =>
    [...fates].filter(([, fate]) => fate === 'part of it').map(([eventId]) => eventId),
  )
  return [...new Set(parts)]
    .filter(eventId => !views.every(view => excused(view, room, eventId)))
    .map(eventId => {
      const sides = views.map(({ server, fates }) => `${server.label}: ${fates.get(eventId) ?? 'absent'}`)
      return `EVENT ${room.label} ${eventId} ${describe(world, eventId)} — ${sides.join(' — ')}`
    })
}

/** How servers that are in a room together differ on its state, members and events. */
export const checkRoom = (world: World, views: RoomViews): string[] => [
  ...checkState(world, views),
  ...checkGhosts(world, views),
  ...checkEvents(world, views),
]
