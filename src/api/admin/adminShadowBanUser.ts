import { endpoint } from '../../http/endpoint.ts'

export const adminShadowBanUser = endpoint('adminShadowBanUser', async ({ path }, { accounts }) => {
  await accounts.administered.set(path.userId, 'is_shadow_banned', true)
  return {}
})
