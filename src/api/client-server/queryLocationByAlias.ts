import { endpoint } from '../../http/endpoint.ts'

export const queryLocationByAlias = endpoint('queryLocationByAlias', ({ query }, { appServices }) =>
  appServices.thirdParty.locationsOf(query.alias),
)
