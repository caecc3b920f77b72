import { isUserId } from './ids.ts'
import { isJsonObject, type JsonObject, type JsonValue, ownMember } from './json.ts'

/** The member of a create event that makes its room the direct room of two people. */
export const DIRECT_KEY = 'chat.tessera.direct'

/** Two people: their user IDs, sorted by bytes. */
export interface Pair {
  readonly low: string
  readonly high: string
}

/** What makes a room the one of a pair, as every server can read it from the room's create event. */
export interface DirectClaim {
  readonly roomId: string
  /** Raised with each room that replaces one which is lost to its people; 0 of rooms that were not made as direct ones. */
  readonly generation: number
  /** Who made the room; one of the pair where the generation is not 0. */
  readonly maker: string
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The pair of two people, whatever their order. */
export const pairOf = (one: string, other: string): Pair =>
  byBytes(one, other) < 0 ? { low: one, high: other } : { low: other, high: one }

/** The other one of a pair. */
export const otherOf = ({ low, high }: Pair, userId: string): string => (userId === low ? high : low)

/** The key of a pair as a text that no other pair has: no user ID holds a space. */
export const pairKey = ({ low, high }: Pair): string => `${low} ${high}`

/** Content for the create event of a pair's room. */
export const directContent = ({ low, high }: Pair, generation: number): JsonObject => ({
  [DIRECT_KEY]: { users: [low, high], generation },
})

const MAX_GENERATION = 1_000_000

/** The generation of the room that takes the place of one. */
export const nextGeneration = (generation: number): number => Math.min(generation + 1, MAX_GENERATION)

/** The pair and generation that a create event names; `undefined` if it is not that of a direct room. */
export const directKeyOf = (
  createContent: JsonObject,
): { readonly pair: Pair; readonly generation: number } | undefined => {
  const key: JsonValue | undefined = ownMember(createContent, DIRECT_KEY)
  if (!isJsonObject(key) || !Array.isArray(key['users'])) return undefined
  const [low, high, ...more] = key['users'] as readonly JsonValue[]
  const { generation } = key
  if (typeof low !== 'string' || typeof high !== 'string' || more.length > 0) return undefined
  if (!isUserId(low) || !isUserId(high) || byBytes(low, high) >= 0) return undefined
  if (typeof generation !== 'number' || !Number.isInteger(generation)) return undefined
  if (generation < 1 || generation > MAX_GENERATION) return undefined
  return { pair: { low, high }, generation }
}

/**
 * Which of two rooms of one pair is theirs: the same on every server, whatever each has heard of first. A later
 * generation replaces an earlier one; of two that were made at the same time, that of the user who sorts first.
 */
export const isPreferred = (candidate: DirectClaim, to: DirectClaim): boolean => {
  if (candidate.roomId === to.roomId) return false
  if (candidate.generation !== to.generation) return candidate.generation > to.generation
  const order = byBytes(candidate.maker, to.maker)
  return order === 0 ? byBytes(candidate.roomId, to.roomId) < 0 : order < 0
}

/**
 * Whether a room takes the place of one that cannot be entered any more: one of plain Matrix, one that is preferred, and one of the
 * same generation by the same maker, who has made it because nothing came of the other.
 */
export const mayReplace = (candidate: DirectClaim, to: DirectClaim): boolean => {
  if (candidate.roomId === to.roomId) return false
  return candidate.generation === 0 || isOfSame(candidate, to) || isPreferred(candidate, to)
}

/** Of the rooms of one pair that their user may come into, the newest first, that which is theirs. */
export const bestOf = (claims: readonly DirectClaim[]): DirectClaim | undefined => {
  const [first, ...others] = claims
  // Of rooms that were not made as direct ones the first is as good as any, and of several by one maker the last that they have made.
  return others.reduce(
    (best, claim) =>
      best && claim.generation > 0 && !isOfSame(claim, best) && isPreferred(claim, best) ? claim : best,
    first,
  )
}

const isOfSame = (one: DirectClaim, other: DirectClaim): boolean =>
  one.generation === other.generation && one.maker === other.maker
