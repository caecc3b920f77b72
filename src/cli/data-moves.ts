import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ConfigFlags } from '../config/load.ts'
import { databaseLocation } from '../config/locations.ts'
import { OperatorError } from '../config/operator-error.ts'
import { masked } from '../config/print.ts'
import { rebuildMessageIndex } from '../services/search/rebuild-index.ts'
import { copyRows } from '../storage/dump/copy.ts'
import { openDump, writeDump } from '../storage/dump/dump-file.ts'
import { openSource, openTarget } from '../storage/dump/open.ts'
import type { RowSource, RowTarget } from '../storage/dump/row-stream.ts'
import { refuseServed } from '../storage/inspect.ts'
import { type DatabaseConfig, openDatabase } from '../storage/open.ts'
import { attempt } from './attempt.ts'
import { type Host, say } from './host.ts'
import { progressLine } from './progress.ts'
import { twin, withConfig } from './settings.ts'

/** Writes all data of the server's database, which may be running, into a file. */
export const backup = (host: Host, flags: ConfigFlags, file: string): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    attempt(host, async () => {
      const path = resolve(host.cwd, file)
      if (existsSync(path)) throw new OperatorError(`${file} is there already: name another file.`)
      const source = await openSource(databaseLocation(config))
      const progress = progressLine(host)
      try {
        const rows = await writeDump(
          source,
          { path, serverName: config.serverName, now: Date.now() },
          progress.show,
        )
        progress.end()
        say(
          host,
          `${file}: ${rows} rows of ${config.serverName}.`,
          'Not in it: the settings, the signing key, and files that users share (the directory "media"). Keep copies of them too.',
        )
      } finally {
        await source.close()
      }
    }),
  )

/** Fills the database that the settings name from a backup. It has to be empty, or an earlier attempt of the same. */
export const restore = (host: Host, flags: ConfigFlags, file: string): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    attempt(host, async () => {
      const source = await openDump(resolve(host.cwd, file))
      if (source.serverName !== config.serverName) {
        await source.close()
        throw new OperatorError(
          `${file} is a backup of ${source.serverName}, and this server is ${config.serverName}: a server's name can never change.`,
        )
      }
      await fill(host, source, databaseLocation(config))
      say(
        host,
        `Restored. Before the first start, to keep messages decryptable: ${twin('doctor --after-restore', flags)}`,
      )
    }),
  )

/** Copies everything from one database to another, such as from SQLite to PostgreSQL. No server may run on either. */
export const migrateDatabase = (
  host: Host,
  options: { readonly from: string; readonly to: string },
): Promise<number> =>
  attempt(host, async () => {
    const from = location(host, options.from, '--from')
    const to = location(host, options.to, '--to')
    // What a server stored from now on would be lost without a word.
    for (const each of [from, to]) await refuseServed(each, Date.now())
    await fill(host, await openSource(from), to)
    // In the settings a relative path would start from the data directory.
    const url = to.kind === 'sqlite' ? `sqlite:${to.path}` : masked(to.url)
    say(host, `Copied and compared. Now set database.url to ${url} and start the server.`)
  })

/** Fills a database, brings its schema up to date, and makes the index of words. */
const fill = async (host: Host, source: RowSource, to: DatabaseConfig): Promise<void> => {
  const progress = progressLine(host)
  try {
    await withTarget(to, async target => {
      const { tables, rows } = await copyRows(source, target, progress.show)
      progress.end()
      say(host, `${rows} rows in ${tables} tables, counts and checksums compared.`)
    })
  } finally {
    await source.close()
  }
  const database = await openDatabase(to, { isBeingFilled: true })
  try {
    await rebuildMessageIndex(database, rows =>
      progress.show({ phase: 'index', table: 'words', rows, total: undefined }),
    )
    progress.end()
  } finally {
    await database.close()
  }
  await withTarget(to, target => target.finish())
}

const withTarget = async (to: DatabaseConfig, use: (target: RowTarget) => Promise<void>): Promise<void> => {
  const target = await openTarget(to)
  try {
    await use(target)
  } finally {
    await target.close()
  }
}

const location = (host: Host, url: string, option: string): ReturnType<typeof databaseLocation> => {
  if (!/^(sqlite:|postgres(ql)?:\/\/)/.test(url)) {
    throw new OperatorError(`${option} is no database: write sqlite:PATH or postgres://USER@HOST/NAME.`)
  }
  const config = { dataDirectory: host.cwd, database: { url, maxConnections: 2 } }
  return databaseLocation(config)
}
