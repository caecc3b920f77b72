import { endpoint } from '../../http/endpoint.ts'

export const getProtocols = endpoint('getProtocols', (_call, { appServices }) =>
  appServices.thirdParty.protocols(),
)
