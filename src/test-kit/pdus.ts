import type { JsonObject, JsonValue } from '../core/json.ts'
import { type RoomVersion, roomVersion, roomVersions } from '../core/room-versions.ts'

/** Every room version, in order. */
export const allVersions: readonly RoomVersion[] = [...roomVersions.values()]

/** A room version that is known to exist. */
export const versionOf = (id: string): RoomVersion => {
  const version = roomVersion(id)
  if (version === undefined) throw new Error(`no room version ${id}`)
  return version
}

/** The event that `pduOf` refers to. */
export const PARENT = '$acR1l0raoZnm60CBwAVgqbZqoO_mYU81xysh1u7XcJk'

/** A reference to an event as `prev_events` and `auth_events` hold it. */
export const referenceTo = (version: RoomVersion, eventId = PARENT): JsonValue =>
  version.format.references === 'pairs' ? [eventId, { sha256: 'hash' }] : eventId

/**
 * A message as it travels in rooms of a version, well-formed but with no true hash or signature. Members of `change`
 * replace its own; `undefined` removes.
 */
export const pduOf = (version: RoomVersion, change: JsonObject = {}): JsonObject =>
  Object.fromEntries(
    Object.entries({
      auth_events: [referenceTo(version)],
      content: { body: 'hello' },
      depth: 7,
      ...(version.format.eventId === 'given' ? { event_id: '$1:example.org' } : {}),
      hashes: { sha256: 'hash' },
      origin_server_ts: 1_700_000_000_000,
      prev_events: [referenceTo(version), referenceTo(version, '$other:example.org')],
      room_id: '!room:example.org',
      sender: '@alice:example.org',
      signatures: { 'example.org': { 'ed25519:1': 'signature' } },
      type: 'm.room.message',
      unsigned: { age: 5 },
      ...change,
    }).filter(([, value]) => value !== undefined),
  )
