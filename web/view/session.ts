import { object, type Session, text } from '../api.ts'

/** What this page calls itself where it signs in. */
export const DEVICE = { initial_device_display_name: 'Tessera page' }

/** The session that signing in has brought. */
export const sessionOf = (answer: object): Session => {
  const { user_id: userId, access_token: accessToken, device_id: deviceId } = object(answer)
  return { userId: text(userId) ?? '', accessToken: text(accessToken) ?? '', deviceId: text(deviceId) ?? '' }
}
