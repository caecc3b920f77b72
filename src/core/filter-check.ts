import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'

type Check = (value: JsonValue, path: string) => string | undefined

const isType =
  (type: 'boolean' | 'number'): Check =>
  (value, path) =>
    typeof value === type ? undefined : `${path} must be a ${type}`

const texts =
  (sigil = ''): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return `${path} must be an array`
    const isFine = value.every(item => typeof item === 'string' && item.startsWith(sigil))
    return isFine ? undefined : `${path} must hold strings${sigil === '' ? '' : ` that begin with ${sigil}`}`
  }

const members =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, path) => {
    if (!isJsonObject(value)) return `${path} must be an object`
    for (const [name, check] of Object.entries(checks)) {
      // matrix-js-sdk before 37.9 (of 2025) writes `null` for what a filter of `/messages` leaves out.
      const member = (Object.hasOwn(value, name) ? value[name] : undefined) ?? undefined
      const problem = member === undefined ? undefined : check(member, path === '' ? name : `${path}.${name}`)
      if (problem !== undefined) return problem
    }
    return undefined
  }

const EVENT_FILTER = {
  limit: isType('number'),
  types: texts(),
  not_types: texts(),
  senders: texts('@'),
  not_senders: texts('@'),
}

const ROOM_EVENT_FILTER = {
  ...EVENT_FILTER,
  rooms: texts('!'),
  not_rooms: texts('!'),
  contains_url: isType('boolean'),
  'org.matrix.msc3874.rel_types': texts(),
  'org.matrix.msc3874.not_rel_types': texts(),
  lazy_load_members: isType('boolean'),
  include_redundant_members: isType('boolean'),
  unread_thread_notifications: isType('boolean'),
}

const FILTER = members({
  event_fields: texts(),
  event_format: (value, path) =>
    value === 'client' || value === 'federation' ? undefined : `${path} must be client or federation`,
  presence: members(EVENT_FILTER),
  account_data: members(EVENT_FILTER),
  room: members({
    rooms: texts('!'),
    not_rooms: texts('!'),
    include_leave: isType('boolean'),
    timeline: members(ROOM_EVENT_FILTER),
    state: members(ROOM_EVENT_FILTER),
    ephemeral: members(ROOM_EVENT_FILTER),
    account_data: members(ROOM_EVENT_FILTER),
  }),
})

/** What is wrong with a filter of `/sync` (definition `Filter`); members that are not known are nobody's concern. */
export const filterProblem = (filter: JsonObject): string | undefined => FILTER(filter, '')

/** The same of a `RoomEventFilter`, as `/messages` takes it. */
export const roomEventFilterProblem = (filter: JsonObject): string | undefined =>
  members(ROOM_EVENT_FILTER)(filter, '')
