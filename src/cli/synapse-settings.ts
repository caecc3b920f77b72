import { proposedSettings } from '../config/synapse/proposal.ts'
import { readSynapseSettings } from '../config/synapse/settings.ts'
import { attempt } from './attempt.ts'
import type { Host } from './host.ts'

/** Prints what settings of this server say the same as those of Synapse in some files. */
export const printSettings = (host: Host, paths: readonly string[]): Promise<number> =>
  attempt(host, async () => {
    host.stdout.write(proposedSettings(readSynapseSettings(host.cwd, paths)))
  })
