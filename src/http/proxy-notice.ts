import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'
import { createUnnamedProxy } from './client-address.ts'
import type { HttpLog } from './errors.ts'

/** Told of no more: whoever can reach the server from many addresses of a private network could fill the log. */
const MOST = 10

/**
 * Says in the log, once for each, by way of which proxies requests come that no listener names: all their clients share the limits of one
 * address. Of addresses of the public internet nothing is said, where everybody may claim to be a proxy.
 */
export const createProxyNotice = (
  trustedProxies: readonly string[] | undefined,
  log: Pick<HttpLog, 'warn'>,
): ((request: IncomingMessage) => void) => {
  const unnamedProxy = createUnnamedProxy(trustedProxies)
  const told = new Set<string>()
  return request => {
    const proxy = unnamedProxy(request)
    if (proxy === undefined || told.has(proxy) || told.size >= MOST || !isInside(proxy)) return
    told.add(proxy)
    log.warn(
      { proxy },
      'requests come by way of a reverse proxy that is not among the trusted_proxies of any listener: all its clients share the rate limits of one',
    )
  }
}

const isInside = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() !== 'unicast'
