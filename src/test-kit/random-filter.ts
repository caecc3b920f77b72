/** Random filters, and by the letter of the specification what they let pass. */
import fc from 'fast-check'
import type { LoggedEvent } from './conversation-truth.ts'
import type { FollowingOptions } from './following-client.ts'

/** What a client asks for, and how to tell whether an event belongs into its timeline. */
export interface View extends FollowingOptions {
  passes(event: LoggedEvent): boolean
  /** Whether it is told of the room at all. */
  readonly hasRoom: boolean
}

const PLACES = ['here', 'elsewhere'] as const
type Place = (typeof PLACES)[number]

/** The room of the conversation, and another. */
const roomNames = fc.option(fc.uniqueArray(fc.constantFrom(...PLACES)), { nil: undefined, freq: 4 })

const typePatterns = fc.option(
  fc.array(
    fc.constantFrom(
      ...['m.room.message', 'm.sticker', 'm.room.member', 'm.room.topic', 'm.room.redaction', 'm.room'],
      ...['m.room.*', 'm.st*', '*er', 'm.*m*e*', 'm.room.message*', 'M.ROOM.MESSAGE', '*'],
    ),
    { maxLength: 3 },
  ),
  { nil: undefined, freq: 2 },
)

/** A filter whose people and room are not made yet. */
export const filterPlan = <Name extends string>(people: readonly Name[]) => {
  const names = fc.option(fc.uniqueArray(fc.constantFrom(...people, 'nobody' as const)), {
    nil: undefined,
    freq: 3,
  })
  return fc.record({
    ...{ types: typePatterns, not_types: typePatterns, senders: names, not_senders: names },
    contains_url: fc.option(fc.boolean(), { nil: undefined, freq: 3 }),
    ...{ rooms: roomNames, not_rooms: roomNames },
    ...{ allRooms: roomNames, notAllRooms: roomNames },
    ...{ lazy: fc.boolean(), redundant: fc.boolean(), stateAfter: fc.boolean() },
  })
}

export type FilterPlan = ReturnType<typeof filterPlan<string>> extends fc.Arbitrary<infer T> ? T : never

/** Everything, as clients without a filter get it. */
export const NO_FILTER_PLAN: FilterPlan = {
  ...{ types: undefined, not_types: undefined, senders: undefined, not_senders: undefined },
  ...{ contains_url: undefined, rooms: undefined, not_rooms: undefined },
  ...{ allRooms: undefined, notAllRooms: undefined, lazy: false, redundant: false, stateAfter: false },
}

/** The filter of a plan, for real people and a real room. */
export const viewOf = (plan: FilterPlan, idOf: (name: string) => string, roomId: string): View => {
  const roomIds = (places: readonly Place[] | undefined) =>
    places?.map(place => (place === 'here' ? roomId : '!elsewhere:here.test'))
  const { types, not_types: notTypes, contains_url: containsUrl } = plan
  const [senders, notSenders] = [plan.senders?.map(idOf), plan.not_senders?.map(idOf)]
  const [rooms, notRooms] = [roomIds(plan.rooms), roomIds(plan.not_rooms)]
  const [allRooms, notAllRooms] = [roomIds(plan.allRooms), roomIds(plan.notAllRooms)]
  return {
    filter: given({
      ...{ types, not_types: notTypes, senders, not_senders: notSenders },
      ...{ contains_url: containsUrl, rooms, not_rooms: notRooms },
    }),
    roomFilter: given({ rooms: allRooms, not_rooms: notAllRooms }),
    ...{ lazy: plan.lazy, redundant: plan.redundant, stateAfter: plan.stateAfter },
    hasRoom: isListed(roomId, allRooms, notAllRooms),
    passes: ({ type, sender, content }) =>
      isListed(roomId, rooms, notRooms) &&
      isListed(sender, senders, notSenders) &&
      (types?.some(pattern => isOfType(pattern, type)) ?? true) &&
      !(notTypes ?? []).some(pattern => isOfType(pattern, type)) &&
      (containsUrl === undefined || containsUrl === 'url' in content),
  }
}

/** "A matching [one] will be excluded even if it is listed in the … filter"; without a list everything is included. */
const isListed = (
  id: string,
  wanted: readonly string[] | undefined,
  unwanted: readonly string[] | undefined,
) => (wanted?.includes(id) ?? true) && !unwanted?.includes(id)

const literal = (text: string): string => text.replace(/[.]/g, '\\.')

/** "A `*` can be used as a wildcard to match any sequence of characters." */
const isOfType = (pattern: string, type: string): boolean =>
  new RegExp(`^${pattern.split('*').map(literal).join('.*')}$`, 's').test(type)

const given = <T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
