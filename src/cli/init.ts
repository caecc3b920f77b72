import { prepareDataDirectory } from '../config/data-directory.ts'
import type { ConfigFlags } from '../config/load.ts'
import { OperatorError } from '../config/operator-error.ts'
import { EXIT, type Host, say } from './host.ts'
import { shortPath, twin, withConfig } from './settings.ts'

/** Makes the data directory of a new server: settings file, signing key, the note of its name. */
export const init = (host: Host, flags: ConfigFlags): Promise<number> =>
  withConfig(host, flags, ({ config, file }) => {
    if (file !== undefined) {
      say(
        host,
        `There is a server already, with the settings ${shortPath(host, file)}: name another directory with --data.`,
      )
      return EXIT.failed
    }
    if (flags.serverName === undefined) {
      say(host, 'Say the name of the server, which can never be changed: --server-name example.org')
      return EXIT.failed
    }
    try {
      const { created, warnings } = prepareDataDirectory(config, undefined)
      const { settings } = created
      if (settings === undefined) {
        throw new OperatorError(
          `${config.dataDirectory} belongs to ${config.serverName} already: start it, or name another directory with --data.`,
        )
      }
      for (const path of Object.values(created)) host.stdout.write(`Created  ${shortPath(host, path)}\n`)
      say(host, ...warnings, '', ...nextSteps(shortPath(host, settings), flags))
      return EXIT.ok
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      say(host, error.message)
      return EXIT.failed
    }
  })

const nextSteps = (settings: string, flags: ConfigFlags): string[] => [
  'Next:',
  `  1. Back the signing key up. It is the identity of ${flags.serverName}.`,
  `  2. In ${settings}, set public_base_url, and the listeners or the reverse proxy in front of them.`,
  `  3. Start it:  ${twin('serve', flags)}`,
  `  4. See whether others reach it:  ${twin('doctor', flags)}`,
]
