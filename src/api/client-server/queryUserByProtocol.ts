import { endpoint } from '../../http/endpoint.ts'
import { queryFields } from '../query-fields.ts'

export const queryUserByProtocol = endpoint('queryUserByProtocol', ({ path, request }, { appServices }) =>
  appServices.thirdParty.users(path.protocol, queryFields(request.uri)),
)
