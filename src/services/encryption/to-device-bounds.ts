import { MatrixError } from '../../core/errors.ts'
import { isJsonObject } from '../../core/json.ts'
import type { EncryptionContext } from './context.ts'

/** Messages of one request, or of one EDU; more are nobody's. */
const MAX_MESSAGES = 50_000

/** Servers of one request with which the sender shares no room: each that is made up is one more to be looked for, for days. */
const MAX_STRANGERS = 100

/** Whether there are more messages than anybody has to send at once. @param messages user ID → device ID → content */
export const isTooMany = (messages: Readonly<Record<string, unknown>>): boolean => {
  let count = 0
  for (const devices of Object.values(messages)) {
    if (isJsonObject(devices)) count += Object.keys(devices).length
    if (count > MAX_MESSAGES) return true
  }
  return false
}

/** Throws `M_TOO_LARGE` where too many of these servers have nothing to do with the sender. */
export const refuseStrangers = async (
  { read, rooms }: Pick<EncryptionContext, 'read' | 'rooms'>,
  sender: string,
  servers: readonly string[],
): Promise<void> => {
  if (servers.length <= MAX_STRANGERS) return
  const known = new Set([
    ...(await read.companions.hostsOf(sender)),
    ...(await rooms.partial.serversAround(sender)),
  ])
  if (servers.filter(server => !known.has(server)).length > MAX_STRANGERS)
    throw new MatrixError('M_TOO_LARGE', 'Too many servers at once with which you share no room.')
}
