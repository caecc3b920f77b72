import type { ConfigFlags } from '../config/load.ts'
import { effectiveConfigText } from '../config/print.ts'
import { EXIT, type Host, say } from './host.ts'
import { fileErrors } from './named-files.ts'
import { shortPath, withConfig } from './settings.ts'

/** Says whether the settings are right, with the files that they name; and with `print` what they are. */
export const configCheck = (host: Host, flags: ConfigFlags, options: { print: boolean }): Promise<number> =>
  withConfig(host, flags, ({ config, file, sources, warnings }) => {
    for (const warning of warnings) say(host, `warning: ${warning}`)
    const errors = fileErrors(config)
    if (errors.length > 0) say(host, ...errors)
    if (options.print) host.stdout.write(effectiveConfigText(config, sources))
    else if (errors.length === 0)
      say(
        host,
        file === undefined
          ? 'No settings file; the settings are right.'
          : `${shortPath(host, file)} is right.`,
      )
    return errors.length === 0 ? EXIT.ok : EXIT.badConfig
  })
