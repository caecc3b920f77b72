import type { ConfigFlags } from '../config/load.ts'
import { databaseLocation } from '../config/locations.ts'
import type { Config } from '../config/schema/index.ts'
import { runImport } from '../services/synapse-import/run.ts'
import type { ImportWorld } from '../services/synapse-import/step.ts'
import { importSteps } from '../services/synapse-import/steps.ts'
import { openDatabase } from '../storage/open.ts'
import { finishImport, markImport } from '../storage/synapse/mark.ts'
import { attempt } from './attempt.ts'
import { type Host, say } from './host.ts'
import { importMark, importSource, masSource, refuseUnfit } from './import-synapse-checks.ts'
import { importedMedia } from './import-synapse-media.ts'
import { importReport } from './import-synapse-report.ts'
import { progressLine } from './progress.ts'
import { twin, withConfig } from './settings.ts'

/** How an import is asked for. */
export interface ImportOptions {
  /** `sqlite:PATH` or `postgres://…`, in place of what Synapse's settings say. */
  readonly database?: string
  /** Synapse's `media_store_path`, in place of what its settings say; `false`: files stay behind. */
  readonly media?: string | false
  /** The database of a Matrix Authentication Service to which Synapse leaves signing in; `false`: what it has stays behind. */
  readonly masDatabase?: string | false
  /** Whether files are linked instead of copied. */
  readonly linkMedia?: boolean
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
      const { source, settings } = await importSource(host, config, paths, options)
      try {
        const media = importedMedia(host, config, settings, options)
        try {
          const mas = await masSource(settings, options)
          try {
            await refuseUnfit(host, { config, settings, source }, options)
            if (options.check === true) say(host, 'Everything is ready for the import.')
            else {
              await fill(host, config, { source, media, mas })
              say(host, `Done. Start the server in place of Synapse: ${twin('serve', flags)}`)
            }
          } finally {
            if (mas !== 'left') await mas?.close()
          }
        } finally {
          await media?.close()
        }
      } finally {
        await source.close()
      }
    }),
  )

/** Fills the database, and says what came over. */
const fill = async (
  host: Host,
  config: Config,
  from: Pick<ImportWorld, 'source' | 'media' | 'mas'>,
): Promise<void> => {
  const target = databaseLocation(config)
  const db = await openDatabase(target, { isBeingFilled: true, forService: true })
  const progress = progressLine(host)
  try {
    if (await markImport(target, await importMark({ config, source: from.source })))
      say(host, 'Going on with the import that was begun.')
    const { serverName, signIn } = config
    const world = { ...from, db, serverName, providers: signIn.providers, now: Date.now() }
    const report = await runImport(importSteps, world, ({ step, rows, total }) =>
      progress.show({ phase: 'import', table: step, rows, total }),
    )
    progress.end()
    host.stdout.write(importReport(report))
  } finally {
    await db.close()
  }
  await finishImport(target)
}
