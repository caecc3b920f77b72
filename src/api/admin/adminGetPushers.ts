import { endpoint } from '../../http/endpoint.ts'

export const adminGetPushers = endpoint('adminGetPushers', async ({ path }, { accounts, pushers }) => {
  await accounts.administered.one(path.userId)
  const all = await pushers.ofDevices(path.userId)
  return {
    pushers: all.map(({ profile_tag: tag = '', ...pusher }) => ({
      ...pusher,
      profile_tag: tag,
      enabled: true,
    })),
    total: all.length,
  }
})
