/** Where servers are, as the DNS and well-known documents of a made-up world say. */
import type { OutboundResponse } from '../network/http-client.ts'
import type { ServiceRecord } from '../network/name-resolver.ts'
import { ServerDiscovery } from '../network/server-discovery.ts'
import { WellKnownLookup } from '../network/well-known.ts'
import { FakeClock } from './fake-clock.ts'

/** An answer to a request over HTTP. */
export const answer = (
  content: unknown,
  headers: Record<string, string> = {},
  status = 200,
): OutboundResponse => ({
  status,
  headers,
  body: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
})

export const srv = (target: string, port: number, priority = 10, weight = 0): ServiceRecord => ({
  target,
  port,
  priority,
  weight,
})

/** What others say of where servers are. */
export interface World {
  /** What a host answers at its well-known address; hosts that are not here do not answer. */
  wellKnown?: Record<string, OutboundResponse>
  /** `undefined`: the DNS does not say. */
  services?: Record<string, readonly ServiceRecord[] | undefined>
  clock?: FakeClock
}

/** A discovery in a world made of two tables, and the log of what it looked up. */
export const discoveryIn = ({ wellKnown = {}, services = {}, clock = new FakeClock() }: World) => {
  const log: string[] = []
  const lookup = new WellKnownLookup(clock, async host => {
    log.push(`https://${host}`)
    const found = wellKnown[host]
    if (found === undefined) throw new Error('no route to host')
    return found
  })
  const resolver = {
    services: async (name: string) => {
      log.push(name)
      return name in services ? services[name] : []
    },
  }
  return {
    clock,
    log,
    discovery: new ServerDiscovery({ clock, resolver, wellKnown: lookup, random: () => 0 }),
  }
}
