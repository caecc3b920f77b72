/** Redactions that are applied by what is no news: nobody who follows the stream of events hears of them. */
import type { WriteStatement } from '../../storage/database.ts'
import type { RoomsContext } from './room-writer.ts'

/** What is told under the topic `redacted`: events of a room that are redacted, or shown, from now on. */
export interface LateRedactions {
  readonly roomNid: number
  readonly nids: readonly number[]
}

/** Tells other processes, with the commit. */
export const tellOthers = ({ processes }: RoomsContext, late: LateRedactions): WriteStatement[] =>
  late.nids.length === 0 ? [] : processes.bulletin.posted('redacted', late)

/** Has this process know of it, once it is stored. */
export const tellHere = ({ read, processes }: RoomsContext, late: LateRedactions): void => {
  if (late.nids.length === 0) return
  forgetRedacted({ read }, late)
  // Of several processes each is told by the commit.
  if (processes.bulletin.isAlone) void processes.bulletin.post('redacted', late)
}

/** Drops what is kept in memory of such events. */
export const forgetRedacted = ({ read }: Pick<RoomsContext, 'read'>, { nids }: LateRedactions): void => {
  read.events.forget(nids)
  read.news.forget()
}
