import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import { RECORD_KEY, RECORDS_KEY } from '../../core/room-record.ts'
import type { Operations } from '../../spec/types.ts'

/** A page of a directory, as clients get it. */
export type DirectoryPage = Operations['queryPublicRooms']['response']

type Entry = DirectoryPage['chunk'][number]

/** What the specification names of an entry (`PublishedRoomsChunk`). */
const NAMED = [
  'avatar_url',
  'canonical_alias',
  'guest_can_join',
  'join_rule',
  'name',
  'num_joined_members',
  'room_id',
  'room_type',
  'topic',
  'world_readable',
] as const satisfies readonly (keyof Entry)[]

/** What a room is shown by, with all that Tessera tells of it. */
type Summary = Entry & { readonly [name: string]: JsonValue | undefined }

/**
 * The rooms of a page, and beside them, by room ID, what Matrix has no words for: there are clients that fail at any member of
 * an entry which they do not know (matrix-nio), and other servers do without any.
 */
export const directoryEntries = (
  summaries: readonly Summary[],
): Pick<DirectoryPage, 'chunk' | typeof RECORDS_KEY> => ({
  chunk: summaries.map(
    summary =>
      Object.fromEntries(
        NAMED.flatMap(name => (summary[name] === undefined ? [] : [[name, summary[name]]])),
      ) as unknown as Entry,
  ),
  [RECORDS_KEY]: Object.fromEntries(
    summaries
      .map(summary => [summary.room_id, recordOf(summary)] as const)
      // Other servers tell nothing more.
      .filter(([, record]) => Object.keys(record).length > 0),
  ),
})

const recordOf = ({ encryption, room_version, [RECORD_KEY]: facts }: Summary): JsonObject => ({
  ...(room_version === undefined ? {} : { room_version }),
  ...(encryption === undefined ? {} : { encryption }),
  ...(isJsonObject(facts) ? facts : {}),
})
