import type { ConfigFlags } from '../config/load.ts'
import { withServices } from './accounts.ts'
import type { Host } from './host.ts'
import { positive } from './positive.ts'
import { withConfig } from './settings.ts'

/** Prints what users have reported, newest first: when, who, what, and why. */
export const reportList = (
  host: Host,
  flags: ConfigFlags,
  options: { readonly limit?: string },
): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async services => {
      const limit = positive('--limit', options.limit ?? '50')
      const reports = await services.reports(limit)
      for (const { createdTs, reporter, about, reason } of reports) {
        const when = new Date(createdTs).toISOString()
        // One line for each, whatever people write.
        host.stdout.write(
          `${when}  ${reporter}  ${about}  ${reason === undefined ? '-' : JSON.stringify(reason)}\n`,
        )
      }
      if (reports.length === 0) host.stdout.write('nothing was reported\n')
    }),
  )
