import { compileGlob, type Glob, globMatches } from './glob.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'

/** What a filter looks at. */
export interface Filterable {
  readonly type: string
  readonly sender?: string | undefined
  readonly content?: JsonObject | undefined
}

/** `EventFilter`, read. */
export interface EventFilter {
  /** At most this many events, if the filter says. */
  readonly limit: number | undefined
  /** Whether an event passes by type, sender and (for room events) the presence of a `url`. */
  matches(event: Filterable): boolean
  /** Whether no type can pass at all, so that nothing needs to be read. */
  readonly nothing: boolean
  /** Event types that pass, if they are a list without wildcards. */
  readonly exactTypes: readonly string[] | undefined
}

/** `RoomEventFilter`, read. */
export interface RoomEventFilter extends EventFilter {
  readonly lazyLoadMembers: boolean
  readonly includeRedundantMembers: boolean
  readonly unreadThreadNotifications: boolean
  matchesRoom(roomId: string): boolean
}

/** The filter of `/sync`, read. */
export interface SyncFilter {
  readonly eventFields: readonly string[] | undefined
  readonly federationFormat: boolean
  readonly presence: EventFilter
  readonly accountData: EventFilter
  readonly includeLeave: boolean
  readonly timeline: RoomEventFilter
  readonly state: RoomEventFilter
  readonly ephemeral: RoomEventFilter
  readonly roomAccountData: RoomEventFilter
  matchesRoom(roomId: string): boolean
  /** The filter as given, for what extensions look for in it. */
  readonly source: JsonObject
}

/** Reads an `EventFilter`. Members of a wrong type are as good as absent: the schema check comes before. */
export const eventFilter = (value: JsonValue | undefined): EventFilter => {
  const source = isJsonObject(value) ? value : {}
  const types = strings(source['types'])
  const notTypes = strings(source['not_types'])?.map(compileGlob) ?? []
  const senders = setOf(source['senders'])
  const notSenders = setOf(source['not_senders']) ?? new Set()
  const wanted = types?.map(compileGlob)
  const containsUrl = source['contains_url']
  return {
    limit: typeof source['limit'] === 'number' ? source['limit'] : undefined,
    nothing: types?.length === 0 || senders?.size === 0 || notTypes.some(matchesAll),
    exactTypes: types?.every(type => !/[*?]/.test(type)) ? types : undefined,
    matches: ({ type, sender = '', content }) =>
      (wanted === undefined || wanted.some(glob => globMatches(glob, type))) &&
      !notTypes.some(glob => globMatches(glob, type)) &&
      (senders === undefined || senders.has(sender)) &&
      !notSenders.has(sender) &&
      (typeof containsUrl !== 'boolean' || containsUrl === (typeof content?.['url'] === 'string')),
  }
}

/** Reads a `RoomEventFilter`. */
export const roomEventFilter = (value: JsonValue | undefined): RoomEventFilter => {
  const source = isJsonObject(value) ? value : {}
  return {
    ...eventFilter(source),
    lazyLoadMembers: source['lazy_load_members'] === true,
    includeRedundantMembers: source['include_redundant_members'] === true,
    unreadThreadNotifications: source['unread_thread_notifications'] === true,
    matchesRoom: roomMatcher(source),
  }
}

/** Reads the filter of `/sync`. */
export const syncFilter = (source: JsonObject): SyncFilter => {
  const room = isJsonObject(source['room']) ? source['room'] : {}
  return {
    eventFields: strings(source['event_fields']),
    federationFormat: source['event_format'] === 'federation',
    presence: eventFilter(source['presence']),
    accountData: eventFilter(source['account_data']),
    includeLeave: room['include_leave'] === true,
    timeline: roomEventFilter(room['timeline']),
    state: roomEventFilter(room['state']),
    ephemeral: roomEventFilter(room['ephemeral']),
    roomAccountData: roomEventFilter(room['account_data']),
    matchesRoom: roomMatcher(room),
    source,
  }
}

const roomMatcher = (source: JsonObject): ((roomId: string) => boolean) => {
  const rooms = setOf(source['rooms'])
  const notRooms = setOf(source['not_rooms'])
  return roomId => (rooms === undefined || rooms.has(roomId)) && notRooms?.has(roomId) !== true
}

const strings = (value: JsonValue | undefined): string[] | undefined =>
  Array.isArray(value) ? value.filter(item => typeof item === 'string') : undefined

const setOf = (value: JsonValue | undefined): ReadonlySet<string> | undefined => {
  const list = strings(value)
  return list && new Set(list)
}

const matchesAll = (glob: Glob): boolean =>
  glob.segments.length > 1 && glob.segments.every(part => part === '')
