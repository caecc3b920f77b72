import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { type Directory, mayNameRoom } from './directory.ts'
import type { RoomWriter } from './room-writer.ts'
import { aliasesOf, badAlias, checkedAliasesOf } from './state-content.ts'

/** Aliases that are asked for at the same time when somebody adds them to a room; each may be another server's to know. */
const MAX_NEW_ALIASES = 50

/**
 * Refuses a local user's `m.room.canonical_alias` with aliases that lead elsewhere; those that were there before stay unchecked. Other
 * servers are asked for nobody who may not name the room.
 *
 * @param names.before the content that holds now
 * Throws `M_BAD_ALIAS`, `M_INVALID_PARAM`, `M_FORBIDDEN`.
 */
export const checkAliases = async (
  { writer, directory }: { readonly writer: RoomWriter; readonly directory: Pick<Directory, 'resolve'> },
  { userId, roomId }: { readonly userId: string; readonly roomId: string },
  names: { readonly content: JsonObject; readonly before: JsonObject | undefined },
): Promise<void> => {
  const aliases = checkedAliasesOf(names.content)
  const before = new Set(aliasesOf(names.before ?? {}))
  const added = [...new Set(aliases)].filter(alias => !before.has(alias))
  if (added.length === 0) return
  if (added.length > MAX_NEW_ALIASES) {
    throw new MatrixError('M_INVALID_PARAM', `At most ${MAX_NEW_ALIASES} aliases can be new at once`)
  }
  if (!(await mayNameRoom(writer, userId, roomId))) {
    throw new MatrixError('M_FORBIDDEN', 'You may not say what this room is called')
  }
  await Promise.all(
    added.map(async alias => {
      const resolved = await directory.resolve(alias).catch(() => undefined)
      if (resolved?.roomId !== roomId) throw badAlias(alias)
    }),
  )
}
