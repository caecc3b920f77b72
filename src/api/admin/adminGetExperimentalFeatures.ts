import { endpoint } from '../../http/endpoint.ts'

export const adminGetExperimentalFeatures = endpoint(
  'adminGetExperimentalFeatures',
  async ({ path }, { accounts }) => {
    await accounts.administered.one(path.userId)
    return { features: {} }
  },
)
