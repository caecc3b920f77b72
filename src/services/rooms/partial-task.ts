import type { PartialJoin } from './partial-join.ts'
import type { RoomHead } from './room-head.ts'

/** The join whose lack of members is made up for; work for one that was overtaken by another comes to nothing. */
export interface PartialTask {
  readonly roomId: string
  readonly joinEventId: string
}

/** The join, if the room lacks members by it still. */
export const partialOf = ({ partial }: RoomHead, task: PartialTask): PartialJoin | undefined =>
  partial?.joinEventId === task.joinEventId ? partial : undefined
