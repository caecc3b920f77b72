import { compileGlob, globMatches } from './glob.ts'
import { withoutPort } from './server-acl.ts'

/**
 * An operator's list of servers, with wildcards, as a question: whether a server is denied. A name without a port is meant whatever the
 * port, as in access control lists, or whoever is denied would come back under the same name at another; and so is one with a dot at
 * its end, which is the same to the DNS.
 */
export const deniedServers = (patterns: readonly string[]): ((serverName: string) => boolean) => {
  const globs = patterns.map(pattern => compileGlob(pattern.toLowerCase()))
  return serverName => {
    const name = serverName.toLowerCase()
    const host = withoutPort(name).replace(/\.$/, '')
    return globs.some(glob => globMatches(glob, name) || globMatches(glob, host))
  }
}
