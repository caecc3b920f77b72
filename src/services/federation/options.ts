import { deniedServers } from '../../core/denied-servers.ts'
import { compileGlob, globMatches } from '../../core/glob.ts'

/** How this server talks to others; the shape of the settings' `federation`. Durations in milliseconds. */
export interface FederationOptions {
  /** Whether there are any other servers at all. */
  readonly enabled: boolean
  /** Addresses that are never connected to, and the exceptions. */
  readonly denyAddresses: readonly string[]
  readonly allowAddresses: readonly string[]
  /** If set, only servers that one of these patterns fits are talked to. */
  readonly allowServers?: readonly string[] | undefined
  readonly denyServers: readonly string[]
  /** Notaries that are asked for the keys of servers that do not answer. */
  readonly trustedKeyServers: readonly string[]
  readonly backOff: { readonly min: number; readonly max: number }
  readonly requestTimeout: number
  /** Addresses of host names, in place of the DNS. */
  readonly hosts: Readonly<Record<string, readonly string[]>>
}

/** Whether this server talks to another, in either direction. */
export type Permits = (serverName: string) => boolean

/** The operator's lists as a question. */
export const permitsOf = ({
  enabled,
  allowServers,
  denyServers,
}: Pick<FederationOptions, 'enabled' | 'allowServers' | 'denyServers'>): Permits => {
  const allowed = allowServers?.map(each => compileGlob(each.toLowerCase()))
  const isDenied = deniedServers(denyServers)
  return serverName => {
    const name = serverName.toLowerCase()
    if (!enabled || isDenied(serverName)) return false
    return allowed === undefined || allowed.some(glob => globMatches(glob, name))
  }
}
