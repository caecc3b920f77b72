/** A look at what is new for a user: rooms that may have news, with the positions since when the user is joined. */
export interface RoomsNow {
  /** What came after this is not looked at. */
  readonly upTo: number
  readonly rooms: ReadonlyMap<number, number>
  /** All rooms that the user is in; may go ahead of `upTo`. */
  readonly joined: ReadonlyMap<number, number>
  /** Each of the rooms has news; else some may have none. */
  readonly isExact: boolean
  /** Memberships have changed in the span, or it began before watching did. */
  readonly hasMoved: boolean
}
