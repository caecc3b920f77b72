import type { JsonObject } from '../../core/json.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { EventTemplate } from './local-event.ts'
import { powerContext } from './redaction-effect.ts'
import { replacementOf } from './replacement.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomSender, SendOptions } from './room-sender.ts'
import type { RoomWriter } from './room-writer.ts'

/** So long the same wish is the same request again: its answer was lost on the way, or somebody has clicked twice. */
const REPEATED_MS = 300_000

/**
 * The replacement that was made of a room moments ago by the very same wish, and by whom; `undefined` if there is none. Two
 * administrators may have it one after the other, neither knowing of the other yet: a room leads to one replacement.
 */
export const madeLately = async (
  writer: RoomWriter,
  head: RoomHead,
  wish: { readonly version: RoomVersion; readonly additionalCreators: readonly string[] },
): Promise<{ readonly roomId: string; readonly by: string } | undefined> => {
  const { version, additionalCreators } = wish
  const { read, clock } = writer.context
  const made = await replacementOf(read, head)
  if (made === undefined || made.tombstone.originServerTs < clock.now() - REPEATED_MS) return undefined
  const replacement = await writer.head(made.roomId)
  if (replacement?.version.id !== version.id) return undefined
  const { create } = await powerContext(read, replacement)
  const { predecessor, additional_creators: others } = create?.content ?? {}
  const { sender: by } = made.tombstone
  const creators = new Set([by, ...(Array.isArray(others) ? others : [])])
  const wished = new Set([by, ...(version.auth.privilegedCreators ? additionalCreators : [])])
  const isSame =
    (predecessor as JsonObject | undefined)?.['room_id'] === head.room.roomId &&
    creators.symmetricDifference(wished).size === 0
  return isSame ? { roomId: replacement.room.roomId, by } : undefined
}

class Replaced extends Error {}

/**
 * Sends what a room says last; answers `false` where it was replaced since it was looked at: another process may do so at the same
 * moment, and a room leads to one replacement.
 */
export const unlessReplaced = async (
  sender: Pick<RoomSender, 'sendAll'>,
  before: RoomHead,
  farewells: readonly EventTemplate[],
  options: Omit<SendOptions, 'transaction' | 'check'>,
): Promise<boolean> => {
  const tombstoneOf = (head: RoomHead): string | undefined => head.entry('m.room.tombstone', '')?.eventId
  const known = tombstoneOf(before)
  const check = async (head: RoomHead): Promise<void> => {
    if (tombstoneOf(head) !== known) throw new Replaced()
  }
  try {
    await sender.sendAll(before.room.roomId, farewells, { ...options, check })
    return true
  } catch (error) {
    if (error instanceof Replaced) return false
    throw error
  }
}
