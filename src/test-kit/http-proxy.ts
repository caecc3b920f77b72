import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import net, { type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A proxy as companies have them: it lets `CONNECT` through, and finds whatever name it is asked for on this machine. */
export interface TestProxy {
  readonly url: string
  /** The hosts that tunnels were asked for, in order: `name:port`. */
  readonly asked: string[]
  /** What it was told about who asks, in order. */
  readonly credentials: (string | undefined)[]
}

/**
 * Starts one that ends with the test.
 *
 * @param options.status what it answers, if not 200, without opening anything.
 * @param options.tls PEM texts, where it is reached by TLS.
 */
export const startProxy = async (
  t: { teardown(clean: () => void): void },
  options: { status?: number; tls?: { key: string; cert: string } } = {},
): Promise<TestProxy> => {
  const asked: string[] = []
  const credentials: (string | undefined)[] = []
  const sockets = new Set<Duplex>()
  const server: Server = options.tls === undefined ? createServer() : createSecureServer(options.tls)
  server.on('connect', ({ url = '', headers }: IncomingMessage, near: Socket) => {
    asked.push(url)
    credentials.push(headers['proxy-authorization'])
    sockets.add(near.on('error', () => undefined))
    if (options.status !== undefined) return near.end(`HTTP/1.1 ${options.status} No\r\n\r\n`)
    const far = net.connect(Number(url.slice(url.lastIndexOf(':') + 1)), '127.0.0.1', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n')
      far.pipe(near).pipe(far)
    })
    sockets.add(far.on('error', () => near.destroy()))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = server.address() as AddressInfo
  return { url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, asked, credentials }
}
