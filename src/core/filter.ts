import { type FieldTree, fieldTree } from './event-fields.ts'
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
  /** Whether an event passes by type, sender and (for room events) the presence of a `url` and of relations. */
  matches(event: Filterable): boolean
  /** Whether it passes by type and sender, as far as can be told without its content. */
  matchesHead(type: string, sender: string): boolean
  /** Whether events of a type can pass. */
  matchesType(type: string): boolean
  /** Whether no type can pass at all, so that nothing needs to be read. */
  readonly nothing: boolean
  /** Whether everything passes. */
  readonly everything: boolean
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
  /** Which members of events are wanted, if not all. */
  readonly eventFields: FieldTree | undefined
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
  const notTypes = strings(source['not_types']) ?? []
  const senders = setOf(source['senders'])
  const notSenders = setOf(source['not_senders']) ?? new Set()
  const isWanted = types && typeMatcher(types)
  const isUnwanted = typeMatcher(notTypes)
  const { limit, contains_url: containsUrl } = source
  const relates = relationMatcher(source)
  const matchesType = (type: string): boolean => (isWanted?.(type) ?? true) && !isUnwanted(type)
  const matchesHead = (type: string, sender: string): boolean =>
    matchesType(type) && (senders?.has(sender) ?? true) && !notSenders.has(sender)
  return {
    limit: typeof limit === 'number' && Number.isFinite(limit) ? Math.max(Math.floor(limit), 0) : undefined,
    nothing: types?.length === 0 || senders?.size === 0 || notTypes.some(matchesAll),
    everything: ['types', 'not_types', 'senders', 'not_senders', 'contains_url', ...RELATION_FILTERS].every(
      name => (source[name] ?? undefined) === undefined,
    ),
    exactTypes: types?.every(type => !type.includes('*')) ? types : undefined,
    matchesType,
    matchesHead,
    // "If `true`, includes only events with a `url` key in their content; if `false`, excludes those."
    matches: event =>
      matchesHead(event.type, event.sender ?? '') &&
      (typeof containsUrl !== 'boolean' || containsUrl === Object.hasOwn(event.content ?? {}, 'url')) &&
      (relates === undefined || relates(event.content ?? {})),
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
    eventFields: eventFieldsOf(source),
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

const RELATION_FILTERS = ['org.matrix.msc3874.rel_types', 'org.matrix.msc3874.not_rel_types'] as const

/** Filters by how an event relates to another (MSC3874): "`not_rel_types` takes precedence". */
const relationMatcher = (source: JsonObject): ((content: JsonObject) => boolean) | undefined => {
  const [wanted, unwanted] = RELATION_FILTERS.map(name => setOf(source[name]))
  if (wanted === undefined && unwanted === undefined) return undefined
  return content => {
    const relation = content['m.relates_to']
    const relType = isJsonObject(relation) ? relation['rel_type'] : undefined
    if (typeof relType !== 'string') return wanted === undefined
    return (wanted?.has(relType) ?? true) && unwanted?.has(relType) !== true
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

const eventFieldsOf = (source: JsonObject): FieldTree | undefined => {
  const paths = strings(source['event_fields']) ?? []
  // "A server may include more fields than were requested": nobody wants none, and Synapse takes an empty list for no list.
  return paths.length === 0 ? undefined : fieldTree(paths)
}

const matchesAll = (pattern: string): boolean => /^\*+$/.test(pattern)

/** A filter with more wildcards than this remembers what they made of the types that it was asked for last. */
const FEW_WILDCARDS = 8
const MAX_REMEMBERED = 64

/** "A `*` can be used as a wildcard to match any sequence of characters"; nothing else is special in types. */
const typeMatcher = (patterns: readonly string[]): ((type: string) => boolean) => {
  const exact = new Set(patterns)
  const wildcards = patterns.filter(pattern => pattern.includes('*')).map(pattern => pattern.split(/\*+/))
  const matches = (type: string): boolean =>
    exact.has(type) || wildcards.some(parts => matchesParts(parts, type))
  return wildcards.length > FEW_WILDCARDS ? remembering(matches) : matches
}

/**
 * Remembers the last answers: rooms have few types of events, and thousands of patterns that let nothing through would be gone through
 * for each of thousands of events.
 */
const remembering = (matches: (type: string) => boolean): ((type: string) => boolean) => {
  const known = new Map<string, boolean>()
  return type => {
    const before = known.get(type)
    if (before !== undefined) return before
    if (known.size >= MAX_REMEMBERED) known.clear()
    const answer = matches(type)
    known.set(type, answer)
    return answer
  }
}

/** Each stretch between stars is taken at its first place, so that nothing is ever tried again. */
const matchesParts = (parts: readonly string[], text: string): boolean => {
  const first = parts[0] ?? ''
  const last = parts.at(-1) ?? ''
  const end = text.length - last.length
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let position = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, position)
    if (found === -1 || found + part.length > end) return false
    position = found + part.length
  }
  return true
}
