/** Where an event stands: its position in the stream `events`, and its room. */
export interface RoomPlace {
  readonly roomNid: number
  readonly position: number
}

/** What an event that notifies has for whoever it notifies. */
interface Notifying extends RoomPlace {
  readonly eventNid: number
  /** `main`, or the ID of the thread's root. */
  readonly threadId: string
  readonly highlight: boolean
  /** JSON text. */
  readonly actions: string
  /** When it was found to notify; milliseconds since 1970. */
  readonly ts: number
}

/** An event that notifies a user. */
export interface PushAction extends Notifying {
  readonly userId: string
}

/** An event that notifies those of a group of a room's listeners in the same way: all but its sender, and those who have a row of their own. */
export interface GroupAction extends Notifying {
  readonly groupId: number
  readonly sender: string
}

/** What an event is to one of a group, if not what it is to the group; `isSilent`: nothing. */
export interface OwnAction extends PushAction {
  readonly isSilent: boolean
}
