/** The extensions that speak of rooms and may bear on some of them only. */
export const ROOM_STREAMS = ['account_data', 'receipts', 'typing'] as const
export type RoomStream = (typeof ROOM_STREAMS)[number]

/** Profiles are owed as well: among the room IDs are those of users for whose profiles a response had no space. */
export type OwedStream = RoomStream | 'profiles'

/**
 * By stream, the rooms that a client has and of which it was not told all there is, since the extension did not bear on them then: once it
 * does, all of it is told.
 */
export type Owed = Readonly<Partial<Record<OwedStream, ReadonlySet<string>>>>

export const NOTHING_OWED: Owed = {}

/** The same as JSON: lists of room IDs. */
export type OwedSnapshot = Readonly<Partial<Record<OwedStream, readonly string[]>>>

export const snapshotOfOwed = (owed: Owed): OwedSnapshot =>
  Object.fromEntries(Object.entries(owed).map(([stream, rooms]) => [stream, [...rooms]]))

export const owedFrom = (snapshot: OwedSnapshot): Owed =>
  Object.fromEntries(Object.entries(snapshot).map(([stream, rooms]) => [stream, new Set(rooms)]))

/** `owed` with other rooms of a stream; the same object where nothing differs. */
export const withOwed = (owed: Owed, stream: OwedStream, rooms: ReadonlySet<string>): Owed => {
  const before = owed[stream]
  const isSame =
    before === undefined ? rooms.size === 0 : before.size === rooms.size && before.isSubsetOf(rooms)
  return isSame ? owed : { ...owed, [stream]: rooms }
}
