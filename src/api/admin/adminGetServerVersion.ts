import { endpoint } from '../../http/endpoint.ts'

export const adminGetServerVersion = endpoint('adminGetServerVersion', async (_, { federation }) => {
  const { name, version } = federation.software
  return { server_version: `${name} ${version}` }
})
