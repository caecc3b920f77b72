import type { HttpClient, OutboundRequest, OutboundResponse } from '../network/http-client.ts'

/** What the federation client needs of the network, made of a function that answers whole responses. */
export const httpPort = (
  request: (request: OutboundRequest) => Promise<OutboundResponse>,
): Pick<HttpClient, 'request' | 'receive'> => ({
  request,
  receive: async (outbound, consume) => {
    const { body, ...response } = await request(outbound)
    return consume({ ...response, body: piece(body) })
  },
})

async function* piece(body: Buffer): AsyncGenerator<Buffer> {
  yield body
}
