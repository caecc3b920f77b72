import { endpoint } from '../../http/endpoint.ts'

export const adminGetBackgroundUpdates = endpoint('adminGetBackgroundUpdates', async () => ({
  enabled: true,
  current_updates: {},
}))
