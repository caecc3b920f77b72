import { endpoint } from '../../http/endpoint.ts'

export const adminSuspendUser = endpoint('adminSuspendUser', async ({ path, body }, { accounts }) => {
  await accounts.administered.suspend(path.userId, body.suspend)
  return { [`user_${path.userId}_suspended`]: body.suspend }
})
