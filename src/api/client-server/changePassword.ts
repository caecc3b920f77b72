import { endpoint } from '../../http/endpoint.ts'

/** Without an access token the password stage says whose password it is. */
export const changePassword = endpoint(
  'changePassword',
  async ({ requester, request, body }, { accounts }) => {
    accounts.management.checkPassword(body.new_password)
    const userId = await accounts.management.confirm(requester, request, body)
    await accounts.management.setPassword(userId, body.new_password, {
      logoutDevices: body.logout_devices ?? true,
      keepDevice: requester?.deviceId,
    })
    return {}
  },
)
