import { endpoint, reply } from '../../http/endpoint.ts'

export const adminCreateDevice = endpoint('adminCreateDevice', async ({ path, body }, { accounts }) => {
  await accounts.administered.one(path.userId)
  await accounts.ofServices.putDevice(path.userId, body.device_id, undefined)
  return reply({ status: 201 })
})
