import { endpoint } from '../../http/endpoint.ts'

export const adminFindUserByExternalId = endpoint(
  'adminFindUserByExternalId',
  async ({ path }, { accounts }) => ({
    user_id: await accounts.administered.ownerOfExternalId({
      auth_provider: path.provider,
      external_id: path.externalId,
    }),
  }),
)
