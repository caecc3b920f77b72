import cluster from 'node:cluster'
import { chmodSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { localConnections } from './client-address.ts'
import { removeStaleSocket } from './stale-socket.ts'

/**
 * Not imported: an import statement reads everything that the module offers, and its WebSocket among it brings in all of
 * `fetch` and HTTP/2 (10 MB).
 */
const { createServer } = process.getBuiltinModule('node:http')

export interface ListenerOptions {
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /** A UNIX socket, in place of host and port; its mode as `chmod` has it. */
  readonly socket?: { readonly path: string; readonly mode: number } | undefined
  readonly host?: string
  /** 0 chooses a free one. */
  readonly port: number
  /** PEM texts; HTTPS if given. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
}

export interface Listener {
  /** 0 and empty for a UNIX socket. */
  readonly port: number
  readonly host: string
  /** `http://…` or `https://…` of the address that is listened on; `unix:` and the path of a socket. */
  readonly url: string
  /** New connections get another certificate (PEM texts). Throws for one that cannot be used, and where there is no HTTPS. */
  useCertificate(tls: { readonly cert: string; readonly key: string }): void
  /**
   * Stops accepting, lets running requests finish for `graceMs` milliseconds, then breaks what is left. For `lingerMs`
   * idle connections stay, and whoever asks once more on one is answered, and told to take another.
   */
  close(graceMs?: number, lingerMs?: number): Promise<void>
}

/**
 * Against clients that keep connections busy with next to nothing: headers must arrive in 20 seconds and the whole
 * request in 10 minutes (uploads over slow lines). Idle connections live longer than those of usual proxies (60 s),
 * so that it is never we who close one that a proxy is about to use.
 */
const TIMEOUTS = { headersTimeout: 20_000, requestTimeout: 600_000, keepAliveTimeout: 75_000 }

/** A request that announces no body is not a stream that has yet to end: nearly every `GET` would cost half a dozen ticks for that. */
const SERVER_OPTIONS = { ...TIMEOUTS, optimizeEmptyRequests: true }

/** Between two looks at which connections have become idle, while closing. */
const DRAIN_INTERVAL_MS = 50

/** Opens a listener. Rejects when the address is taken or not ours. */
export const openListener = async (options: ListenerOptions): Promise<Listener> => {
  let closing = false
  const unused = new Set<Socket>()
  const handler: ListenerOptions['handler'] = (request, response) => {
    unused.delete(request.socket)
    // Who is answered while we close is not to ask again on the same connection.
    if (closing) response.setHeader('Connection', 'close')
    options.handler(request, response)
  }
  const secured = options.tls && createTlsServer({ ...SERVER_OPTIONS, ...options.tls }, handler)
  const server: Server = secured ?? createServer(SERVER_OPTIONS, handler)
  server.on('clientError', refuse)
  server.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    if (options.socket !== undefined) localConnections.add(socket)
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  await listen(server, options)
  return {
    ...placeOf(server, options),
    useCertificate: tls => {
      if (secured === undefined) throw new Error('this listener has no use for certificates')
      secured.setSecureContext(tls)
    },
    close: (graceMs = 10_000, lingerMs = 0) => {
      closing = true
      return close(server, unused, { graceMs, lingerMs })
    },
  }
}

const listen = async (server: Server, { host, port, socket }: ListenerOptions): Promise<void> => {
  // Of several processes, the one that starts the others has done so.
  if (socket !== undefined && !cluster.isWorker) await removeStaleSocket(socket.path)
  const place =
    socket === undefined ? { port, ...(host === undefined ? {} : { host }) } : { path: socket.path }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(place, () => {
      server.off('error', reject)
      resolve()
    })
  })
  if (socket !== undefined) chmodSync(socket.path, socket.mode)
}

const placeOf = (
  server: Server,
  { tls, socket }: ListenerOptions,
): Pick<Listener, 'port' | 'host' | 'url'> => {
  if (socket !== undefined) return { port: 0, host: '', url: `unix:${socket.path}` }
  const { port, address, family } = server.address() as AddressInfo
  const authority = family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
  return { port, host: address, url: `${tls ? 'https' : 'http'}://${authority}` }
}

/** `unused` are connections that nothing was asked on yet, as browsers open them ahead: Node does not count them as idle. */
const close = async (
  server: Server,
  unused: ReadonlySet<Socket>,
  { graceMs, lingerMs }: { graceMs: number; lingerMs: number },
): Promise<void> => {
  const closeFrom = performance.now() + lingerMs
  let seen: ReadonlySet<Socket> = new Set()
  const drain = setInterval(() => {
    if (performance.now() < closeFrom) return
    server.closeIdleConnections()
    // A request may be on its way on those that have just been opened.
    for (const socket of seen) if (unused.has(socket)) socket.destroy()
    seen = new Set(unused)
  }, DRAIN_INTERVAL_MS)
  const deadline = setTimeout(() => server.closeAllConnections(), graceMs)
  await new Promise<void>(resolve => {
    // That of HTTP closes idle connections at once.
    NetServer.prototype.close.call(server, () => resolve())
    if (lingerMs === 0) server.closeIdleConnections()
  })
  clearInterval(drain)
  clearTimeout(deadline)
}

/** The status lines for what the HTTP parser refuses; the rest is a plain 400. */
const STATUS_LINES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/**
 * Answers what never became a request, as a standard error response; not in the place of the answer to a request before it,
 * nor within one: whoever waits for that learns by the end of the connection that it does not come.
 */
const refuse = (error: NodeJS.ErrnoException, socket: Duplex | Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy()
    return
  }
  const status = STATUS_LINES[error.code ?? ''] ?? '400 Bad Request'
  const body = JSON.stringify({ errcode: 'M_UNKNOWN', error: status.slice(4) })
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** Whether an answer has begun, or is still to come to a request that is whole. By what Node's own answer to such errors looks at. */
const isAnswering = (socket: Duplex & { _httpMessage?: ServerResponse | null }): boolean => {
  const response = socket._httpMessage ?? undefined
  return response !== undefined && (response.headersSent || response.req.complete)
}
