import { endpoint } from '../../http/endpoint.ts'

export const getProtocolMetadata = endpoint('getProtocolMetadata', ({ path }, { appServices }) =>
  appServices.thirdParty.protocol(path.protocol),
)
