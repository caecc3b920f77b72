import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { defaultConfig } from '../../config/load.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { checkProxy } from './proxy-side.ts'
import { createWorld } from './world.ts'

/** A proxy before the server, which hands on what `change` makes of each request. */
const proxyTo = async (
  t: ExecutionContext,
  url: string,
  change: (asked: IncomingMessage) => {
    readonly path?: string
    readonly headers?: IncomingMessage['headers']
  },
): Promise<string> => {
  const proxy = createServer((asked, answer) => {
    const { path = asked.url ?? '/', headers = asked.headers } = change(asked)
    request(`${url}${path}`, { headers }, response => {
      answer.writeHead(response.statusCode ?? 500, response.headers)
      response.pipe(answer)
    }).end()
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/`
}

test('a proxy that changes requests is found out', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const world = createWorld(defaultConfig(temporaryDirectory(t)), 120_000)
  t.teardown(() => world.close())
  const find = async (change: Parameters<typeof proxyTo>[2]) =>
    checkProxy(world, await proxyTo(t, server.url, change), 'localhost')

  t.like(await find(() => ({})), { verdict: 'OK' })
  const without = await find(({ headers: { authorization: _, ...headers } }) => ({ headers }))
  t.like(without, { verdict: 'FAIL' })
  t.regex(without.message, /header Authorization/)
  const decoded = await find(({ url = '' }) => ({ path: url.replaceAll('%2F', '/') }))
  t.like(decoded, { verdict: 'FAIL' })
  t.regex(decoded.message, /decodes the path/)
  t.like(await checkProxy(world, 'http://127.0.0.1:1', 'localhost'), { verdict: 'SKIP' })
})
