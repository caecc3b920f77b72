import type { ConfigFlags } from '../config/load.ts'
import { effectiveConfigText } from '../config/print.ts'
import { EXIT, type Host, say } from './host.ts'
import { shortPath, withConfig } from './settings.ts'

/** Says whether the settings are right, and with `print` what they are. */
export const configCheck = (host: Host, flags: ConfigFlags, options: { print: boolean }): Promise<number> =>
  withConfig(host, flags, ({ config, file, sources, warnings }) => {
    for (const warning of warnings) say(host, `warning: ${warning}`)
    if (options.print) host.stdout.write(effectiveConfigText(config, sources))
    else
      say(
        host,
        file === undefined
          ? 'No settings file; the settings are right.'
          : `${shortPath(host, file)} is right.`,
      )
    return EXIT.ok
  })
