import { endpoint } from '../../http/endpoint.ts'

export const adminEndShadowBan = endpoint('adminEndShadowBan', async ({ path }, { accounts }) => {
  await accounts.administered.set(path.userId, 'is_shadow_banned', false)
  return {}
})
