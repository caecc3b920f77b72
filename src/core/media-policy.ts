import { MatrixError } from './errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, ownMember } from './json.ts'
import { MEDIA_TYPES } from './room-summary.ts'
import { type MediaSection, mediaSections } from './sdp.ts'

/** A kind of media that a room allows or not (`chat.tessera.room.media`). */
export type MediaType = (typeof MEDIA_TYPES)[number]

/** The type of the state event that holds them. */
export const MEDIA_STATE = 'chat.tessera.room.media'

/**
 * Checks what a local user wants to make a room's flags; what other servers set is read as far as it makes sense
 * (`mediaTypes`). Without `types` the room does not say, which allows everything. Throws `M_BAD_JSON` for what is no list
 * of texts, `M_INVALID_PARAM` for media that nobody knows.
 */
export const checkMediaContent = ({ types }: JsonObject): void => {
  if (types === undefined) return
  if (!Array.isArray(types) || !types.every(type => typeof type === 'string'))
    throw new MatrixError('M_BAD_JSON', `${MEDIA_STATE}: types must be a list of texts`)
  checkMediaTypes(types, `${MEDIA_STATE}: types`)
}

/** Throws `M_INVALID_PARAM` if one is none that there is; `name` is where it stands. */
export const checkMediaTypes = (types: readonly JsonValue[], name: string): void => {
  const known: readonly JsonValue[] = MEDIA_TYPES
  const unknown = types.find(type => !known.includes(type))
  if (unknown === undefined) return
  throw new MatrixError(
    'M_INVALID_PARAM',
    `${name} may hold ${MEDIA_TYPES.join(', ')}, not ${String(unknown)}`,
  )
}

/** What a local user wants to send. */
export interface Proposed {
  readonly type: string
  readonly content: JsonObject
}

/** What the room would have to allow for an event that it does not allow: any of these. */
export type MissingMedia = readonly MediaType[]

const TEXTS: ReadonlySet<unknown> = new Set(['m.text', 'm.notice', 'm.emote'])

/** Memberships of calls of many (MatrixRTC): state until MSC4354 is everywhere, sticky events since. */
const CALL_MEMBERS: ReadonlySet<string> = new Set([
  'm.rtc.member',
  'org.matrix.msc4143.rtc.member',
  'm.call.member',
  'org.matrix.msc3401.call.member',
])

/**
 * Whether an event starts something for which the room lacks the flag (rooms-and-invitations, section 1): policy for local
 * senders. What is encrypted cannot be looked into and passes. `undefined`: nothing is missing.
 */
export const missingMedia = (
  { type, content }: Proposed,
  allowed: ReadonlySet<string>,
): MissingMedia | undefined => {
  if (type === 'm.room.message') return lacking(allowed, saysText(content) ? 'text' : undefined)
  if (CALL_MEMBERS.has(type)) return isJoining(content) ? withoutCalls(allowed) : undefined
  if (!type.startsWith('m.call.')) return undefined
  if (type === 'm.call.invite') {
    const missing = withoutCalls(allowed)
    if (missing !== undefined) return missing
  }
  return missingInCall(content, allowed)
}

/** Whether `missingMedia` has anything to say about events of a type. */
export const isMediaPolicyType = (type: string): boolean =>
  type === 'm.room.message' || CALL_MEMBERS.has(type) || type.startsWith('m.call.')

const lacking = (allowed: ReadonlySet<string>, needed: MediaType | undefined): MissingMedia | undefined =>
  needed === undefined || allowed.has(needed) ? undefined : [needed]

/** A call needs one of the two. */
const withoutCalls = (allowed: ReadonlySet<string>): MissingMedia | undefined =>
  allowed.has('audio') || allowed.has('video') ? undefined : ['audio', 'video']

/** An edit says what its new content says. */
const saysText = (content: JsonObject): boolean => {
  const edited = content['m.new_content']
  return TEXTS.has(content['msgtype']) || (isJsonObject(edited) && TEXTS.has(edited['msgtype']))
}

/** Leaving is always possible: said as such, by empty content, or by an empty list of devices. */
const isJoining = (content: JsonObject): boolean => {
  const { membership, memberships } = content
  if (membership === 'leave' || Object.keys(content).length === 0) return false
  return !(Array.isArray(memberships) && memberships.length === 0)
}

/** Looks into the descriptions of one-to-one calls (module "Voice over IP"). */
const missingInCall = (content: JsonObject, allowed: ReadonlySet<string>): MissingMedia | undefined => {
  const purposes = purposesOf(content['sdp_stream_metadata'])
  if ([...purposes.values()].includes('m.screenshare') && !allowed.has('screenshare')) return ['screenshare']
  for (const { sdp, isOffer } of descriptionsOf(content)) {
    for (const section of mediaSections(sdp)) {
      // An answer that only receives starts nothing.
      if (!isOffer && !section.sends) continue
      const missing = lacking(allowed, neededFor(section, purposes))
      if (missing !== undefined) return missing
    }
  }
  return undefined
}

const neededFor = (
  { kind, streamIds }: MediaSection,
  purposes: ReadonlyMap<string, unknown>,
): MediaType | undefined => {
  const isScreen = streamIds.length > 0 && streamIds.every(stream => purposes.get(stream) === 'm.screenshare')
  // What belongs to a shared screen is judged by that, which has been done.
  return isScreen ? undefined : kind
}

const purposesOf = (metadata: JsonValue | undefined): ReadonlyMap<string, unknown> =>
  new Map(
    Object.entries(isJsonObject(metadata) ? metadata : {}).map(([stream, about]) => [
      stream,
      isJsonObject(about) ? ownMember(about, 'purpose') : undefined,
    ]),
  )

const descriptionsOf = ({ offer, answer, description }: JsonObject): { sdp: string; isOffer: boolean }[] =>
  [
    { of: offer, isOffer: true },
    { of: answer, isOffer: false },
    { of: description, isOffer: isJsonObject(description) && description['type'] !== 'answer' },
  ].flatMap(({ of, isOffer }) => {
    const sdp = isJsonObject(of) ? of['sdp'] : undefined
    return typeof sdp === 'string' ? [{ sdp, isOffer }] : []
  })
