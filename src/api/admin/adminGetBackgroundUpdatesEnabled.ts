import { endpoint } from '../../http/endpoint.ts'

export const adminGetBackgroundUpdatesEnabled = endpoint('adminGetBackgroundUpdatesEnabled', async () => ({
  enabled: true,
}))
