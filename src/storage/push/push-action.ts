/** An event that notifies a user. */
export interface PushAction {
  readonly userId: string
  readonly roomNid: number
  /** The event's, in the stream `events`. */
  readonly position: number
  readonly eventNid: number
  /** `main`, or the ID of the thread's root. */
  readonly threadId: string
  readonly highlight: boolean
  /** JSON text. */
  readonly actions: string
  /** When it was found to notify; milliseconds since 1970. */
  readonly ts: number
}
