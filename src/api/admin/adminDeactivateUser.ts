import { endpoint } from '../../http/endpoint.ts'

export const adminDeactivateUser = endpoint('adminDeactivateUser', async ({ path, body }, { accounts }) => {
  const { userId } = path
  const erase = body.erase === true
  const user = await accounts.administered.one(userId)
  const result = await accounts.threepids.unbindAll(userId, undefined)
  if (user.deactivatedTs === undefined) await accounts.management.deactivate(userId, { erase })
  else if (erase) await accounts.management.erase(userId)
  return { id_server_unbind_result: result }
})
