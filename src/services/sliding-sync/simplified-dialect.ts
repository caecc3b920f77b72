import { MatrixError } from '../../core/errors.ts'
import { isRoomId } from '../../core/ids.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import type {
  ExtensionRequests,
  ExtensionScope,
  ListFilters,
  ListRule,
  ProfilesRequest,
  RoomConfig,
  SlidingRequest,
} from './request.ts'
import { RequiredState, requiredStateOfPairs } from './required-state.ts'

/** "Max lists: 100", "Max subscriptions: 100." */
const MAX_RULES = 100
const MAX_REQUIRED_STATE = 500
/** The same over all rules, each pair once: every room is asked for all of them. */
const MAX_PAIRS_IN_ALL = 1_000
const MAX_RANGES = 20
const MAX_NAMES = 200
const MAX_TIMELINE_LIMIT = 100
const MAX_TO_DEVICE = 100
const MAX_THREAD_SUBSCRIPTIONS = 100

/** A request as it came: the members of its body, and the parameters of its query. */
export interface SimplifiedRequest {
  readonly body: JsonObject
  readonly pos: string | undefined
  readonly timeoutMs: number
}

/**
 * Reads a request in the dialect that clients speak today (`org.matrix.simplified_msc3575`, which MSC4186 grew out of).
 * Throws `M_INVALID_PARAM`.
 */
export const readSimplifiedRequest = (
  { body, pos, timeoutMs }: SimplifiedRequest,
  userId: string,
): SlidingRequest =>
  bounded({
    connectionId: optional(body, 'conn_id', isText) ?? '',
    pos,
    timeoutMs,
    txnId: optional(body, 'txn_id', isText),
    lists: members(body, 'lists').map(([name, list]) => listRule(name, list, userId)),
    subscriptions: new Map(
      members(body, 'room_subscriptions')
        .filter(([roomId]) => isRoomId(roomId))
        .map(([roomId, wanted]) => [roomId, roomConfig(wanted, userId)]),
    ),
    extensions: extensionRequests(optional(body, 'extensions', isJsonObject) ?? {}),
  })

const bounded = (request: SlidingRequest): SlidingRequest => {
  const configs = [...request.lists.map(({ config }) => config), ...request.subscriptions.values()]
  const { size } = RequiredState.union(configs.map(({ requiredState }) => requiredState))
  if (size > MAX_PAIRS_IN_ALL)
    throw new MatrixError('M_INVALID_PARAM', `required_state: at most ${MAX_PAIRS_IN_ALL} in all`)
  return request
}

const listRule = (name: string, list: JsonObject, userId: string): ListRule => {
  const ranges = optional(list, 'ranges', isRanges) ?? optional(list, 'range', isRange)
  return {
    name,
    config: roomConfig(list, userId),
    filters: listFilters(optional(list, 'filters', isJsonObject) ?? {}),
    ranges: ranges === undefined ? undefined : isRange(ranges) ? [ranges] : ranges,
  }
}

const roomConfig = (wanted: JsonObject, userId: string): RoomConfig => ({
  timelineLimit: Math.min(optional(wanted, 'timeline_limit', isCount) ?? 0, MAX_TIMELINE_LIMIT),
  requiredState: requiredStateOfPairs(optional(wanted, 'required_state', isPairs) ?? [], userId),
})

const listFilters = (filters: JsonObject): ListFilters => ({
  isDirect: optional(filters, 'is_dm', isBoolean),
  isEncrypted: optional(filters, 'is_encrypted', isBoolean),
  isInvited: optional(filters, 'is_invite', isBoolean) ?? optional(filters, 'is_invited', isBoolean),
  spaces: optional(filters, 'spaces', isTexts),
  roomTypes: optional(filters, 'room_types', isRoomTypes),
  notRoomTypes: optional(filters, 'not_room_types', isRoomTypes),
  tags: optional(filters, 'tags', isTexts),
  notTags: optional(filters, 'not_tags', isTexts),
})

const extensionRequests = (extensions: JsonObject): ExtensionRequests => {
  const enabled = (name: string): JsonObject | undefined => {
    const extension = optional(extensions, name, isJsonObject)
    return extension?.['enabled'] === true ? extension : undefined
  }
  const toDevice = enabled('to_device')
  const threads = enabled('io.element.msc4308.thread_subscriptions')
  const since = toDevice && optional(toDevice, 'since', isText)
  if (since !== undefined && !/^\d{1,15}$/.test(since)) throw invalid('extensions.to_device.since')
  return {
    toDevice: toDevice && {
      since: since === undefined ? undefined : Number(since),
      limit: clamped(optional(toDevice, 'limit', isCount), MAX_TO_DEVICE),
    },
    e2ee: enabled('e2ee') !== undefined,
    accountData: scopeOf(enabled('account_data')),
    receipts: scopeOf(enabled('receipts')),
    typing: scopeOf(enabled('typing')),
    stickyEvents: enabled('org.matrix.msc4354.sticky_events') !== undefined,
    threadSubscriptions: threads && {
      limit: clamped(optional(threads, 'limit', isCount), MAX_THREAD_SUBSCRIPTIONS),
    },
    profiles: profilesRequest(enabled('org.matrix.msc4262.profiles')),
  }
}

/**
 * "Process all lists defined in the Sliding Window API. (This is the default.)", and the same of subscriptions: MSC3575 has these two for
 * extensions of all sorts.
 */
const scopeOf = (extension: JsonObject | undefined): ExtensionScope | undefined => {
  if (extension === undefined) return undefined
  const named = (name: string): ReadonlySet<string> | undefined => {
    const names = optional(extension, name, isTexts)
    // "Anything whose first entry is `*`."
    return names === undefined || names[0] === '*' ? undefined : new Set(names)
  }
  return { lists: named('lists'), rooms: named('rooms') }
}

/** "The `fields` parameter is optional. If omitted, *all* profile fields will be in scope." */
const profilesRequest = (extension: JsonObject | undefined): ProfilesRequest | undefined => {
  const scope = extension && scopeOf(extension)
  if (extension === undefined || scope === undefined) return undefined
  const fields = optional(extension, 'fields', isTexts)
  return { scope, fields: fields && new Set(fields) }
}

const clamped = (limit: number | undefined, most: number): number =>
  Math.min(Math.max(limit ?? most, 1), most)

const invalid = (name: string): MatrixError =>
  new MatrixError('M_INVALID_PARAM', `${name} is not what it has to be`)

/** A member of an object, if it is there; `null` counts as absent. */
const optional = <T extends JsonValue>(
  source: JsonObject,
  name: string,
  is: (value: JsonValue) => value is T,
): T | undefined => {
  const value = Object.hasOwn(source, name) ? source[name] : undefined
  if (value === undefined || value === null) return undefined
  if (!is(value)) throw invalid(name)
  return value
}

const members = (source: JsonObject, name: string): [string, JsonObject][] => {
  const entries = Object.entries(optional(source, name, isJsonObject) ?? {})
  if (entries.length > MAX_RULES) throw new MatrixError('M_INVALID_PARAM', `${name}: at most ${MAX_RULES}`)
  return entries.map(([key, value]) => {
    if (!isJsonObject(value)) throw invalid(`${name}.${key}`)
    return [key, value]
  })
}

const isText = (value: JsonValue): value is string => typeof value === 'string' && value.length <= 255
const isBoolean = (value: JsonValue): value is boolean => typeof value === 'boolean'
const isCount = (value: JsonValue): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const isTexts = (value: JsonValue): value is string[] =>
  Array.isArray(value) && value.length <= MAX_NAMES && value.every(item => typeof item === 'string')
const isRoomTypes = (value: JsonValue): value is (string | null)[] =>
  Array.isArray(value) &&
  value.length <= MAX_NAMES &&
  value.every(item => item === null || typeof item === 'string')
const isRange = (value: JsonValue): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every(item => isCount(item as JsonValue))
const isRanges = (value: JsonValue): value is [number, number][] =>
  Array.isArray(value) && value.length <= MAX_RANGES && value.every(item => isRange(item as JsonValue))
const isPairs = (value: JsonValue): value is [string, string][] =>
  Array.isArray(value) &&
  value.length <= MAX_REQUIRED_STATE &&
  value.every(pair => isTexts(pair as JsonValue) && (pair as JsonValue[]).length === 2)
