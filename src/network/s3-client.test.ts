import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { NotServing } from '../core/errors.ts'
import { systemClock } from '../system-clock.ts'
import { S3Client } from './s3-client.ts'

const clientOf = async (t: ExecutionContext, listener: RequestListener) => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = new S3Client({
    ...{ endpoint: `http://127.0.0.1:${port}`, bucket: 'media', accessKey: 'a', secretKey: 'b' },
    ...{ region: 'us-east-1', clock: systemClock },
  })
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    if (server.listening) await new Promise(resolve => server.close(resolve))
  }
  t.teardown(async () => {
    await stop()
    await client.close()
  })
  return { client, stop }
}

test('files that nobody reads on keep no others from being stored', async t => {
  const content = Buffer.alloc(4 * 1024 * 1024)
  const { client } = await clientOf(t, (request, response) => {
    response.end(request.method === 'GET' ? content : undefined)
  })
  const stalled: Readable[] = []
  t.teardown(() => {
    for (const body of stalled) body.destroy()
  })
  for (let n = 0; n < 64; n++) {
    const body = await client.get('a')
    if (body !== undefined) stalled.push(body.on('error', () => {}))
  }
  t.is(stalled.length, 64)
  t.is((await client.head('a'))?.size, 0)
})

test('a store that does not answer, or not now, is told from one that refuses', async t => {
  let status = 503
  const { client, stop } = await clientOf(t, (_request, response) => {
    response.writeHead(status).end('<Error>because</Error>')
  })
  const reasonOf = async (): Promise<string> => {
    const error = await t.throwsAsync(client.get('a'))
    return `${error instanceof NotServing} ${error?.message}`
  }
  t.is(await reasonOf(), 'true the S3 store answers 503: <Error>because</Error>')
  status = 403
  t.is(await reasonOf(), 'false the S3 store answers 403: <Error>because</Error>')
  await stop()
  t.is(await reasonOf(), 'true the S3 store does not answer')
})
