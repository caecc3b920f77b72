import net, { BlockList, isIP, type LookupFunction, type Socket } from 'node:net'
import tls, { type SecureContext } from 'node:tls'
import { OutboundError } from './outbound-error.ts'

/** The operator's settings for the way through a proxy. */
export interface ProxySettings {
  /** `http://user:password@host:port` or `https://…`. None: every connection is direct. */
  readonly url?: string | undefined
  /** Whom to connect to directly: names (with all below them), addresses, networks; `*` is everybody. */
  readonly bypass: readonly string[]
  /** Who finds the addresses of names. */
  readonly resolveNames: 'proxy' | 'here'
}

/** An HTTP proxy through which this server reaches others. */
export interface OutboundProxy {
  /** Whether the proxy finds the addresses of names, so that they are not looked up here. */
  readonly resolvesNames: boolean
  /** Whether a host, a name or an address, is reached through the proxy. */
  carries(host: string, port: number): boolean
  /**
   * Opens a tunnel (`CONNECT`, RFC 9110, 9.3.6), over which everything is said to the host itself: the proxy sees its
   * name and port, and no more where TLS follows.
   *
   * @throws {OutboundError} where the proxy cannot be reached or refuses; the signal's reason when it is aborted.
   */
  tunnel(host: string, port: number, ways: TunnelWays): Promise<Socket>
}

/** What connecting to the proxy itself needs. */
export interface TunnelWays {
  readonly lookup: LookupFunction
  readonly roots: () => SecureContext
  readonly signal: AbortSignal
}

type Exempts = (host: string, port: number) => boolean

const unbracketed = (host: string): string => host.replace(/^\[(.*)\]$/, '$1')
const bracketed = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host)

/** Machines of this network that no proxy knows: this one, and names without a dot as containers have them. */
const isNear = (host: string): boolean => {
  const name = host.toLowerCase().replace(/\.$/, '')
  return !name.includes('.') || name.endsWith('.localhost')
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/**
 * An entry of the list, as `NO_PROXY` has them: `example.org`, `.example.org` and `*.example.org` are the name and all
 * below it, with `:8448` on this port alone; addresses and networks count for hosts that are known by their address.
 */
const nameExemption = (entry: string): Exempts => {
  const [, name = entry, only] = /^(.*):(\d+)$/.exec(entry) ?? []
  const suffix = name.toLowerCase().replace(/^\*?\./, '')
  return (host, port) => {
    if (only !== undefined && Number(only) !== port) return false
    const asked = host.toLowerCase().replace(/\.$/, '')
    return suffix === '*' || asked === suffix || asked.endsWith(`.${suffix}`)
  }
}

/** Makes the question whether a host is connected to directly. Loopback always is. */
const exemptionsOf = (entries: readonly string[]): Exempts => {
  const networks = new BlockList()
  networks.addSubnet('127.0.0.0', 8, 'ipv4')
  networks.addAddress('::1', 'ipv6')
  const names: Exempts[] = []
  for (const entry of entries) {
    const [address = '', bits] = unbracketed(entry).split('/')
    if (isIP(address) === 0) names.push(nameExemption(entry))
    else if (bits === undefined) networks.addAddress(address, familyOf(address))
    else networks.addSubnet(address, Number(bits), familyOf(address))
  }
  return (host, port) => {
    const isNumeric = isIP(host) !== 0
    if (isNumeric ? networks.check(host, familyOf(host)) : isNear(host)) return true
    return names.some(exempts => exempts(host, port))
  }
}

/** Sends `CONNECT` over a connection to the proxy; answers the connection once it leads to the host. */
const askForTunnel = (
  socket: Socket,
  authority: string,
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<Socket> =>
  new Promise((resolve, reject) => {
    // Not imported: that costs every start 6 MB (src/layers.test.ts).
    const asked = process.getBuiltinModule('node:http').request({
      method: 'CONNECT',
      path: authority,
      headers: {
        host: authority,
        connection: 'keep-alive',
        ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
      },
      createConnection: () => socket,
      signal,
    })
    asked.on('error', error => {
      socket.destroy()
      reject(signal.aborted ? signal.reason : error)
    })
    asked.on('connect', ({ statusCode = 0 }, tunnel, head) => {
      if (statusCode >= 200 && statusCode < 300) {
        // It may break before somebody else listens.
        tunnel.on('error', () => tunnel.destroy())
        if (head.length > 0) tunnel.unshift(head)
        return resolve(socket)
      }
      socket.destroy()
      reject(new OutboundError('unreachable', `the proxy answers ${statusCode} to CONNECT ${authority}`))
    })
    asked.end()
  })

/**
 * Makes the way through the proxy of the settings.
 *
 * @returns `undefined` where they name none.
 * @throws {TypeError} on a network of `bypass` that is none.
 */
export const createOutboundProxy = (settings: ProxySettings | undefined): OutboundProxy | undefined => {
  if (settings?.url === undefined) return undefined
  const url = new URL(settings.url)
  const host = unbracketed(url.hostname)
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  const authorization =
    credentials === ':' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`
  const exempts = exemptionsOf(settings.bypass)

  return {
    resolvesNames: settings.resolveNames === 'proxy',
    carries: (name, at) => !exempts(name, at),
    tunnel: (name, at, { lookup, roots, signal }) => {
      const common = { host, port, lookup }
      const socket = secure
        ? tls.connect({
            ...common,
            ...(isIP(host) === 0 ? { servername: host } : {}),
            secureContext: roots(),
            ALPNProtocols: ['http/1.1'],
          })
        : net.connect(common)
      socket.setNoDelay(true).setKeepAlive(true, 60_000)
      return askForTunnel(socket, `${bracketed(name)}:${at}`, authorization, signal)
    },
  }
}
