/**
 * Tokens of Synapse, which clients still hold when their server's data was imported from one. Their first part says where the stream of events
 * stood; imported events have kept their places in it, only further apart.
 */

/** How many of our positions there are for each of Synapse's. */
export const POSITIONS_PER_IMPORTED = 65_536

/**
 * `s123_…` (`/sync`), `m123~1.124_…` (the same of several writers: all have at least the first; Synapse has given out `m123~_…` for a
 * while where none had more), `t47-123_…` (`/messages`).
 */
const FORM = /^(?:s(\d{1,12})|m(\d{1,12})(?:~|(?:~\d+\.\d+)*)|t\d{1,19}-(-?\d{1,12}))(?:_[\d.~m-]*)+$/
const LARGEST_TOKEN = 2_000

/**
 * Where in the stream of events a token of Synapse stands, if it is one. Places in history that was fetched later are those where
 * all of it ends: what is told once more of it does no harm.
 */
export const importedPosition = (text: string): number | undefined => {
  const found = text.length > LARGEST_TOKEN ? null : FORM.exec(text)
  if (found === null) return undefined
  const position = Math.max(0, Number(found[1] ?? found[2] ?? found[3])) * POSITIONS_PER_IMPORTED
  return Number.isSafeInteger(position) ? position : undefined
}

/** Among the parts of a token, which say in turn where a stream stood: that of device lists. Those have kept their places as they are. */
const DEVICE_LISTS = 7

/** Where in the stream of device lists a token of Synapse stands, if it says so. */
export const importedDeviceLists = (text: string): number | undefined => {
  const found = /^m?(\d{1,15})(?=~|$)/.exec(text.split('_')[DEVICE_LISTS] ?? '')
  return found === null ? undefined : Number(found[1])
}
