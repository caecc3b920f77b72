import { endpoint } from '../../http/endpoint.ts'

export const adminResetPassword = endpoint('adminResetPassword', async ({ path, body }, { accounts }) => {
  const { new_password: password, logout_devices: logoutDevices = true } = body
  await accounts.administered.one(path.userId)
  await accounts.management.setPassword(path.userId, password, { logoutDevices })
  return {}
})
