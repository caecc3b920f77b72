import type { JsonObject } from '../json.ts'
import type { RoomVersion } from '../room-versions.ts'

/**
 * An event that has passed the format checks of its room version (`format.ts`), with the fields that every layer
 * needs read out once. `pdu` is what is signed, hashed, stored and sent; it is never changed after parsing.
 */
export interface RoomEvent {
  readonly eventId: string
  /** In room version 12 the create event has no `room_id`; this is then derived from its event ID. */
  readonly roomId: string
  readonly version: RoomVersion
  readonly type: string
  readonly sender: string
  /** `undefined` for events that are not state events. The empty string is a state key. */
  readonly stateKey: string | undefined
  /** Unchecked beyond being an object: rules read the fields that they name, nothing else. */
  readonly content: JsonObject
  readonly originServerTs: number
  readonly depth: number
  readonly prevEvents: readonly string[]
  readonly authEvents: readonly string[]
  /** What a redaction redacts, wherever the room version keeps it (top level or content). */
  readonly redacts: string | undefined
  /** The event as it travels, without `event_id` from room version 3 on; may hold `unsigned`. */
  readonly pdu: JsonObject
}

/** The place of a state event in the room's state. */
export interface StatePoint {
  readonly type: string
  readonly stateKey: string
}

/**
 * The key of a state point in a `Map`. Injective: the length of the type stands first, so no pair of strings can
 * imitate another, whatever characters they hold.
 */
export const stateMapKey = (type: string, stateKey: string): string => `${type.length}:${type}${stateKey}`

/** State as the auth rules and resolution see it: `stateMapKey` → event ID. */
export type StateMap = ReadonlyMap<string, string>

/** Reads one state event; what is not in the state is `undefined`. */
export type StateLookup = (type: string, stateKey: string) => RoomEvent | undefined

/** Why an event was refused: the rule's stable name for logs and metrics, and a sentence for people. */
export interface Refusal {
  readonly rule: string
  readonly message: string
}

/** A check's outcome: `undefined` means allowed. */
export type Verdict = Refusal | undefined
