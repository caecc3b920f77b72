import { endpoint } from '../../http/endpoint.ts'
import { destinationInfo } from '../administered-destinations.ts'
import { nextOf, partOf } from '../administered-pages.ts'

export const adminListDestinations = endpoint(
  'adminListDestinations',
  async ({ query }, { administration }) => {
    const part = partOf(query)
    const { destination = '', order_by: order } = query
    const { destinations } = administration
    const [rows, total] = await Promise.all([
      destinations.page(destination, { ...part, order }),
      destinations.count(destination),
    ])
    const next = nextOf(part, rows.length, total)
    return {
      destinations: rows.map(destinationInfo),
      total,
      ...(next === undefined ? {} : { next_token: String(next) }),
    }
  },
)
