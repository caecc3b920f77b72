import { endpoint } from '../../http/endpoint.ts'

export const adminSuspendUser = endpoint('adminSuspendUser', async ({ path, body }, { accounts }) => {
  await accounts.administered.set(path.userId, 'is_suspended', body.suspend)
  return { [`user_${path.userId}_suspended`]: body.suspend }
})
