import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { keepNumberSources } from '../parse-json.ts'
import type { RoomVersion } from '../room-versions.ts'

const TOP_LEVEL = [
  'event_id',
  'type',
  'room_id',
  'sender',
  'state_key',
  'content',
  'hashes',
  'signatures',
  'depth',
  'prev_events',
  'auth_events',
  'origin_server_ts',
]

const LEGACY_TOP_LEVEL = [...TOP_LEVEL, 'prev_state', 'origin', 'membership']

const KEPT: ReadonlySet<string> = new Set(TOP_LEVEL)
const LEGACY_KEPT: ReadonlySet<string> = new Set(LEGACY_TOP_LEVEL)

const POWER_LEVELS = [
  'ban',
  'events',
  'events_default',
  'kick',
  'redact',
  'state_default',
  'users',
  'users_default',
]

const pick = (object: JsonObject, keys: readonly string[]): JsonObject => {
  const kept: Record<string, JsonObject[string]> = {}
  for (const key of keys) if (Object.hasOwn(object, key)) kept[key] = object[key]
  return keepNumberSources(object, kept)
}

const redactMember = (content: JsonObject, rules: RoomVersion['redaction']): JsonObject => {
  const kept = pick(
    content,
    rules.keepJoinAuthorised ? ['membership', 'join_authorised_via_users_server'] : ['membership'],
  )
  const invite = content['third_party_invite']
  // "Additionally, it allows the `signed` key of the `third_party_invite` key": the outer key stays, even if empty.
  return rules.v11Rules && isJsonObject(invite)
    ? { ...kept, third_party_invite: pick(invite, ['signed']) }
    : kept
}

const redactContent = (type: unknown, content: JsonObject, rules: RoomVersion['redaction']): JsonObject => {
  switch (type) {
    case 'm.room.member':
      return redactMember(content, rules)
    case 'm.room.create':
      return rules.v11Rules ? content : pick(content, ['creator'])
    case 'm.room.join_rules':
      return pick(content, rules.keepJoinRulesAllow ? ['join_rule', 'allow'] : ['join_rule'])
    case 'm.room.power_levels':
      return pick(content, rules.v11Rules ? [...POWER_LEVELS, 'invite'] : POWER_LEVELS)
    case 'm.room.aliases':
      return pick(content, rules.keepAliases ? ['aliases'] : [])
    case 'm.room.history_visibility':
      return pick(content, ['history_visibility'])
    case 'm.room.redaction':
      return pick(content, rules.v11Rules ? ['redacts'] : [])
    default:
      return {}
  }
}

/** The top-level members that stay of an event when it is redacted; of its content what `redactedContent` answers. */
export const keptMembers = ({ redaction }: RoomVersion): ReadonlySet<string> =>
  redaction.keepLegacyTopLevel ? LEGACY_KEPT : KEPT

/** What stays of an event's content when it is redacted; the content itself where that is all of it. */
export const redactedContent = (pdu: JsonObject, version: RoomVersion): JsonValue | undefined => {
  const content = pdu['content']
  return isJsonObject(content) ? redactContent(pdu['type'], content, version.redaction) : content
}

/**
 * The redaction algorithm of a room version (rooms/v1.md … v12.md, "Redactions"): what stays of an event when it is
 * redacted, and what of it is signed. The event given is not changed; what stays is shared with it.
 */
export const redactPdu = (pdu: JsonObject, version: RoomVersion): JsonObject => {
  const kept = pick(pdu, version.redaction.keepLegacyTopLevel ? LEGACY_TOP_LEVEL : TOP_LEVEL)
  return isJsonObject(pdu['content']) ? { ...kept, content: redactedContent(pdu, version) } : kept
}
