import type { Command } from 'commander'
import type { Action } from './action.ts'
import type { Host } from './host.ts'
import type { PurgeOptions } from './rooms.ts'

/** The commands for files that users share. */
export const addMedia = (program: Command, host: Host, action: Action): void => {
  const media = program.command('media').description('files that users share')
  media
    .command('usage')
    .description('print how many files there are, and what they come to')
    .action(action(async flags => (await import('./media.ts')).mediaUsage(host, flags)))
  media
    .command('purge')
    .description(
      "delete what is too old by the settings: copies of others' files, and uploads if these expire",
    )
    .option('--dry-run', 'only say how much that is')
    .option(
      '--remote-older-than <duration>',
      "copies of others' files that nobody has asked for so long, such as 7d",
    )
    .action(
      action(async (flags, options: { dryRun?: boolean; remoteOlderThan?: string }) =>
        (await import('./media.ts')).mediaPurge(host, flags, options),
      ),
    )
  media
    .command('list')
    .description('print the newest files')
    .option('--user <name>', 'those of one user of this server')
    .option('--limit <number>', 'how many (default: 50)')
    .action(
      action(async (flags, options: { user?: string; limit?: string }) =>
        (await import('./media.ts')).mediaList(host, flags, options),
      ),
    )
  media
    .command('copy <from> <to>')
    .description('copy all files from one store to the other: `directory`, or `s3` as the settings say')
    .action(
      action(async (flags, from: string, to: string) =>
        (await import('./media.ts')).mediaCopy(host, flags, from, to),
      ),
    )
  media
    .command('quarantine <mxc>')
    .description('hide a file, and all others of the same content, from everybody')
    .option('--undo', 'show it again')
    .action(
      action(async (flags, uri: string, options: { undo?: boolean }) =>
        (await import('./media.ts')).mediaQuarantine(host, flags, uri, options),
      ),
    )
}

/** The commands for rooms and the lifetimes of what is in them. */
export const addRooms = (program: Command, host: Host, action: Action): void => {
  const room = program.command('room').description('rooms')
  const purging = (command: Command): Command =>
    command
      .option('--dry-run', 'only say how much that is')
      .option('--wait <seconds>', 'wait so long for the server to do it (default: 90)')
  room
    .command('list')
    .description('print the rooms with the most events')
    .option('--limit <number>', 'how many (default: 50)')
    .action(
      action(async (flags, options: { limit?: string }) =>
        (await import('./rooms.ts')).roomList(host, flags, options),
      ),
    )
  room
    .command('show <room>')
    .description('print what is known of a room, by its ID or an alias')
    .action(action(async (flags, name: string) => (await import('./rooms.ts')).roomShow(host, flags, name)))
  purging(
    room
      .command('purge-history <room>')
      .description('delete the old messages of a room; its state stays, and so does its last message')
      .option('--before <date>', 'what was sent before, such as 2026-01-31')
      .option('--keep-days <number>', 'what is older'),
  ).action(
    action(async (flags, name: string, options: PurgeOptions & { before?: string; keepDays?: string }) =>
      (await import('./rooms.ts')).roomPurgeHistory(host, flags, name, options),
    ),
  )
  purging(
    room
      .command('purge <room>')
      .description('delete a whole room that nobody of this server is in')
      .option('--force', 'make those who are in it leave'),
  ).action(
    action(async (flags, name: string, options: PurgeOptions & { force?: boolean }) =>
      (await import('./rooms.ts')).roomPurge(host, flags, name, options),
    ),
  )
  purging(
    program
      .command('retention')
      .description('delete messages whose lifetime is over, by the settings and the rules of their rooms'),
  ).action(
    action(async (flags, options: PurgeOptions) =>
      (await import('./rooms.ts')).retention(host, flags, options),
    ),
  )
}
