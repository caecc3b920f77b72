import { isServerAllowed, parseServerAcl } from '../../core/server-acl.ts'
import type { Simulation } from './simulation.ts'

/** Which servers are in the room together. */
export interface Parties {
  readonly names: ReadonlySet<string>
  /** Those that have somebody in the room, and are shut out by its access control list. */
  readonly denied: readonly string[]
}

/** Those that the first server with somebody in the room holds to be in it. */
export const partiesOf = async (simulation: Simulation): Promise<Parties> => {
  for (const { name, core } of simulation.servers) {
    const head = await simulation.head(core)
    if (!head?.hasHost(name)) continue
    const nid = head.entry('m.room.server_acl', '')?.nid
    const [set] = nid === undefined ? [] : await core.context.read.events.byNids([nid])
    const acl = set && parseServerAcl(set.event.content)
    const inside = simulation.names.filter(one => head.hasHost(one))
    const names = new Set(inside.filter(one => isServerAllowed(acl, one)))
    return { names, denied: inside.filter(one => !names.has(one)) }
  }
  return { names: new Set(), denied: [] }
}
