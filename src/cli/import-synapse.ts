import type { ConfigFlags } from '../config/load.ts'
import { databaseLocation } from '../config/locations.ts'
import { runImport } from '../services/synapse-import/run.ts'
import { importSteps } from '../services/synapse-import/steps.ts'
import { openDatabase } from '../storage/open.ts'
import { finishImport, markImport } from '../storage/synapse/mark.ts'
import { attempt } from './attempt.ts'
import { type Host, say } from './host.ts'
import { importMark, importSource, refuseUnfit } from './import-synapse-checks.ts'
import { importReport } from './import-synapse-report.ts'
import { progressLine } from './progress.ts'
import { twin, withConfig } from './settings.ts'

/** How an import is asked for. */
export interface ImportOptions {
  /** `sqlite:PATH` or `postgres://…`, in place of what Synapse's settings say. */
  readonly database?: string
  /** Only the checks. */
  readonly check?: boolean
}

/**
 * Fills the empty database that the settings name with what a Synapse of the same name has. Goes on where an earlier attempt was interrupted.
 *
 * @param paths Synapse's settings: files, or directories of them
 */
export const importSynapse = (
  host: Host,
  flags: ConfigFlags,
  paths: readonly string[],
  options: ImportOptions,
): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    attempt(host, async () => {
      const target = databaseLocation(config)
      const { source, settings } = await importSource(host, config, paths, options)
      try {
        await refuseUnfit(host, { config, settings, source })
        if (options.check === true) {
          say(host, 'Everything is ready for the import.')
          return
        }
        const mark = importMark(config)
        const db = await openDatabase(target, { isBeingFilled: true, forService: true })
        const progress = progressLine(host)
        try {
          if (await markImport(target, mark)) say(host, 'Going on with the import that was begun.')
          const world = { source, db, serverName: config.serverName, now: Date.now() }
          const report = await runImport(importSteps, world, ({ step, rows, total }) =>
            progress.show({ phase: 'import', table: step, rows, total }),
          )
          progress.end()
          host.stdout.write(importReport(report))
        } finally {
          await db.close()
        }
        await finishImport(target)
        say(host, `Done. Start the server in place of Synapse: ${twin('serve', flags)}`)
      } finally {
        await source.close()
      }
    }),
  )
