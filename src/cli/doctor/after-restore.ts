import type { ConfigFlags } from '../../config/load.ts'
import { withServices } from '../accounts.ts'
import type { Host } from '../host.ts'
import { withConfig } from '../settings.ts'

/** Sets right what a database from a backup says wrongly of encryption keys, and says what was done. */
export const afterRestore = (host: Host, flags: ConfigFlags): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async services => {
      const { users, oneTimeKeys, remoteUsers } = await services.repairAfterRestore()
      host.stdout.write(
        `device lists of ${users} users are announced again\n` +
          `${oneTimeKeys} one-time keys that may have been given out since the backup are dropped\n` +
          `device lists of ${remoteUsers} users of other servers are fetched again\n`,
      )
    }),
  )
