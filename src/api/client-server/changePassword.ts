import { endpoint } from '../../http/endpoint.ts'

/** Without an access token the stage says whose password it is: who knows the old one, or reads mail at an address of the account. */
export const changePassword = endpoint(
  'changePassword',
  async ({ requester, request, body }, { accounts }) => {
    accounts.management.checkPassword(body.new_password)
    const userId = await accounts.management.confirm(requester, request, body, {
      orByEmail: requester === undefined && accounts.emails.isOffered,
    })
    await accounts.management.setPassword(userId, body.new_password, {
      logoutDevices: body.logout_devices ?? true,
      keepDevice: requester?.deviceId,
    })
    return {}
  },
)
