import { isRoomId, isServerName } from './ids.ts'
import { isJsonObject, type JsonObject } from './json.ts'

/** An `m.space.child` event as hierarchies show it. */
export interface SpaceChild {
  readonly type: 'm.space.child'
  /** The child's room ID. */
  readonly state_key: string
  readonly sender: string
  readonly content: JsonObject
  readonly origin_server_ts: number
}

/** An event that may be one: a stored one, or stripped state from another server. */
export interface ChildCandidate {
  readonly type: unknown
  readonly state_key: unknown
  readonly sender: unknown
  readonly content: unknown
  readonly origin_server_ts: unknown
}

const MAX_VIA = 10

/** In bytes of JSON: what is longer says more than a child needs, and a hierarchy holds thousands. */
const MAX_CONTENT = 2_048

/** Reads a child; `undefined` where it is none: "when `via` is not present or invalid, the room is not part of the space". */
export const readSpaceChild = (event: ChildCandidate): SpaceChild | undefined => {
  const { type, state_key: roomId, sender, content, origin_server_ts: timestamp } = event
  if (type !== 'm.space.child' || typeof roomId !== 'string' || !isRoomId(roomId)) return undefined
  if (typeof sender !== 'string' || typeof timestamp !== 'number' || !isJsonObject(content)) return undefined
  if (serversOf(content).length === 0) return undefined
  return { type, state_key: roomId, sender, content: withinReason(content), origin_server_ts: timestamp }
}

/** The content of a child; of one that is too long only what the specification knows. */
const withinReason = (content: JsonObject): JsonObject => {
  if (Buffer.byteLength(JSON.stringify(content)) <= MAX_CONTENT) return content
  const { order, suggested } = content
  return {
    via: serversOf(content).slice(0, MAX_VIA),
    ...(typeof order === 'string' && order.length <= MAX_ORDER ? { order } : {}),
    ...(typeof suggested === 'boolean' ? { suggested } : {}),
  }
}

/** "Must not exceed 50 characters." */
const MAX_ORDER = 50

const serversOf = ({ via }: JsonObject): string[] =>
  Array.isArray(via) ? via.filter(server => typeof server === 'string' && isServerName(server)) : []

/** The servers through which a child may be reached. */
export const serversOfChild = ({ content }: SpaceChild): string[] => serversOf(content).slice(0, MAX_VIA)

export const isSuggested = ({ content }: SpaceChild): boolean => content['suggested'] === true

/**
 * The order of the children of a space (module "Spaces"): those with a valid `order` first, by code points; then, and
 * among equals, by the time of their event, at last by room ID.
 */
export const compareChildren = (a: SpaceChild, b: SpaceChild): number => {
  const [first, second] = [orderOf(a), orderOf(b)]
  if (first !== second) {
    if (first === undefined) return 1
    if (second === undefined) return -1
    return first < second ? -1 : 1
  }
  if (a.origin_server_ts !== b.origin_server_ts) return a.origin_server_ts - b.origin_server_ts
  return a.state_key < b.state_key ? -1 : 1
}

const orderOf = ({ content: { order } }: SpaceChild): string | undefined =>
  typeof order === 'string' && /^[\x20-\x7E]{0,50}$/.test(order) ? order : undefined
