import type { NewMessage } from '../../storage/encryption/to-device.ts'
import type { EncryptionContext } from './context.ts'

/** Beyond so many, it is looked first which devices there are: names cost nothing, and each is a statement. */
const MANY = 100

/** What a client shows to its user at once, as nothing else among messages to devices. */
const VERIFICATION = 'm.key.verification.'

type Context = Pick<EncryptionContext, 'ignores'> & {
  readonly read: Pick<EncryptionContext['read'], 'toDevice'>
}

/**
 * Of messages to devices those that are to be kept: nobody is asked to verify whom they ignore; of keys they are told, for the day
 * when they think better of it.
 */
export const welcomeMessages = async (
  context: Context,
  messages: readonly NewMessage[],
): Promise<readonly NewMessage[]> => {
  const there = await toThoseThere(context, messages)
  const welcome: NewMessage[] = []
  for (const [, [first, ...others]] of Map.groupBy(there, ({ userId }) => userId)) {
    if (first === undefined) continue
    const { type, userId, sender } = first
    if (type.startsWith(VERIFICATION) && (await context.ignores(userId, sender))) continue
    welcome.push(first, ...others)
  }
  return welcome
}

/** Of many messages those to devices that there are: the others would vanish. */
const toThoseThere = async (
  { read }: Context,
  messages: readonly NewMessage[],
): Promise<readonly NewMessage[]> => {
  if (messages.length <= MANY) return messages
  const users = [...new Set(messages.map(({ userId }) => userId))]
  const devices = await read.toDevice.devicesOf(users)
  return messages.filter(
    ({ userId, deviceId }) =>
      devices.has(userId) && (deviceId === '*' || devices.get(userId)?.has(deviceId) === true),
  )
}
