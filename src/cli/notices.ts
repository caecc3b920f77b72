import type { ConfigFlags } from '../config/load.ts'
import { localpart, withServices } from './accounts.ts'
import type { Host } from './host.ts'
import { withConfig } from './settings.ts'

/** Has the server write to a user, or to all; it does so within a minute, or when it starts. */
export const noticeSend = (
  host: Host,
  flags: ConfigFlags,
  { user, text }: { readonly user?: string; readonly text: string },
): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async services => {
      const { serverName } = config
      const to = user === undefined ? {} : { userId: `@${localpart(user, serverName)}:${serverName}` }
      const users = await services.sendNotice({ ...to, body: text })
      host.stdout.write(`${users} ${users === 1 ? 'user gets' : 'users get'} it within a minute\n`)
    }),
  )
