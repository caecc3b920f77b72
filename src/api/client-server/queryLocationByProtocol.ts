import { endpoint } from '../../http/endpoint.ts'
import { queryFields } from '../query-fields.ts'

export const queryLocationByProtocol = endpoint(
  'queryLocationByProtocol',
  ({ path, request }, { appServices }) =>
    appServices.thirdParty.locations(path.protocol, queryFields(request.uri)),
)
