import { endpoint } from '../../http/endpoint.ts'

export const createContent = endpoint('createContent', ({ requester }, { media }) =>
  media.uploads.create(requester.userId),
)
