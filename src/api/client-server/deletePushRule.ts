import { endpoint } from '../../http/endpoint.ts'

export const deletePushRule = endpoint('deletePushRule', async ({ requester, path }, { pushRules }) => {
  await pushRules.remove(requester.userId, path)
  return {}
})
