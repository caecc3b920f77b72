import type { Command } from 'commander'
import type { Action } from './action.ts'
import type { Host } from './host.ts'
import type { ImportOptions } from './import-synapse.ts'

/** The commands that move whole databases: backups, from one kind to the other, from other servers. */
export const addDataMoves = (program: Command, host: Host, action: Action): void => {
  program
    .command('backup <file>')
    .description('write all data into a file; the server may be running')
    .action(
      action(async (flags, file: string) => (await import('./data-moves.ts')).backup(host, flags, file)),
    )
  program
    .command('restore <file>')
    .description('fill an empty database from a backup; goes on where it was interrupted')
    .action(
      action(async (flags, file: string) => (await import('./data-moves.ts')).restore(host, flags, file)),
    )
  program
    .command('migrate-database')
    .description('copy everything from one database to another; the server must be stopped')
    .requiredOption('--from <url>', 'such as sqlite:data/homeserver.db')
    .requiredOption('--to <url>', 'such as postgres://tessera@localhost/tessera; must be empty')
    .action(
      action(async (_flags, options: { from: string; to: string }) =>
        (await import('./data-moves.ts')).migrateDatabase(host, options),
      ),
    )
  addImport(program, host, action)
}

const addImport = (program: Command, host: Host, action: Action): void => {
  program
    .command('import')
    .description('take over what other servers have')
    .command('synapse <settings...>')
    .description(
      "fill an empty database with all that a Synapse of the same name has, by Synapse's settings (files, or directories of them); both must be stopped; goes on where it was interrupted",
    )
    .option(
      '--database <url>',
      "Synapse's database, where its settings do not say: sqlite:PATH or postgres://…",
    )
    .option('--media <directory>', "Synapse's files, where its settings do not say (media_store_path)")
    .option('--no-media', 'leave files behind')
    .option(
      '--mas-database <url>',
      'the database of the Matrix Authentication Service, where Synapse leaves signing in to one: postgres://…',
    )
    .option('--no-mas-database', 'leave the passwords, addresses and sessions behind that such a service has')
    .option('--link-media', 'link files instead of copying them; on one file system')
    .option('--print-settings', 'only print what settings of this server say the same as those of Synapse')
    .option('--check', 'only find out whether everything is ready')
    .action(
      action(async (flags, settings: string[], options: ImportOptions & { printSettings?: boolean }) =>
        options.printSettings === true
          ? (await import('./synapse-settings.ts')).printSettings(host, settings)
          : (await import('./import-synapse.ts')).importSynapse(host, flags, settings, options),
      ),
    )
}
