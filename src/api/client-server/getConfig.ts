import { endpoint } from '../../http/endpoint.ts'

export const getConfig = endpoint('getConfig', async (_call, { media }) => ({
  'm.upload.size': media.maxUploadSize,
}))
