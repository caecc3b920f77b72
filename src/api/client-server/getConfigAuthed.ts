import { endpoint } from '../../http/endpoint.ts'

export const getConfigAuthed = endpoint('getConfigAuthed', async (_call, { media }) => ({
  'm.upload.size': media.maxUploadSize,
}))
