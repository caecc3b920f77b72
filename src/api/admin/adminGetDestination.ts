import { endpoint } from '../../http/endpoint.ts'
import { destinationInfo, destinationNamed } from '../administered-destinations.ts'

export const adminGetDestination = endpoint('adminGetDestination', async ({ path }, { administration }) =>
  destinationInfo(await destinationNamed(path.destination, administration)),
)
