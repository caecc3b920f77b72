import type { Command } from 'commander'
import type { Action } from './action.ts'
import type { Host } from './host.ts'

/** The commands for accounts, and for what their users say of each other. */
export const addAccounts = (program: Command, host: Host, action: Action): void => {
  const user = program.command('user').description('accounts')
  addUserCreate(user, host, action)
  user
    .command('list')
    .description('print accounts, in the order of their names')
    .option('--match <text>', 'those with that in their user ID or name')
    .option('--limit <number>', 'how many (default: 100)')
    .action(
      action(async (flags, options: { match?: string; limit?: string }) =>
        (await import('./users.ts')).userList(host, flags, options),
      ),
    )
  user
    .command('show <name>')
    .description('print what is known of an account')
    .action(action(async (flags, name: string) => (await import('./users.ts')).userShow(host, flags, name)))
  user
    .command('password <name>')
    .alias('passwd')
    .description('set another password, which is made up and printed; ends all sessions')
    .option('--password-stdin', 'take the password from standard input')
    .option('--keep-sessions', 'leave the user logged in')
    .action(
      action(async (flags, name: string, options: { passwordStdin?: boolean; keepSessions?: boolean }) =>
        (await import('./users.ts')).userPassword(host, flags, name, options),
      ),
    )
  user
    .command('logout <name>')
    .description('log a user out everywhere')
    .action(action(async (flags, name: string) => (await import('./users.ts')).userLogout(host, flags, name)))
  addUserFlags(user, host, action)
  user
    .command('deactivate <name>')
    .description('end an account for good: it leaves its rooms, and nobody can have its name')
    .option('--erase', 'hide its messages from those who join later')
    .action(
      action(async (config, name: string, options: { erase?: boolean }) =>
        (await import('./users.ts')).userDeactivate(host, config, name, options),
      ),
    )
  addReports(program, host, action)
  addTokens(program, host, action)
}

/** What an account can be, and cease to be. */
const addUserFlags = (user: Command, host: Host, action: Action): void => {
  const flags = {
    admin: 'make an account an administrator',
    lock: 'lock an account: it can do nothing but log out',
    suspend: 'suspend an account: it can read, but say and do little',
  } as const
  for (const flag of ['admin', 'lock', 'suspend'] as const) {
    user
      .command(`${flag} <name>`)
      .description(flags[flag])
      .option('--undo', 'end that')
      .action(
        action(async (config, name: string, options: { undo?: boolean }) =>
          (await import('./users.ts')).userFlag(host, config, name, { flag, undo: options.undo === true }),
        ),
      )
  }
}

const addReports = (program: Command, host: Host, action: Action): void => {
  program
    .command('report')
    .description('what users have reported')
    .command('list')
    .description('print the newest reports')
    .option('--limit <number>', 'how many (default: 50)')
    .action(
      action(async (config, options: { limit?: string }) =>
        (await import('./reports.ts')).reportList(host, config, options),
      ),
    )
}

const addUserCreate = (user: Command, host: Host, action: Action): void => {
  user
    .command('create <name>')
    .alias('add')
    .description('make an account; its password is made up and printed')
    .option('--admin', 'make it an administrator')
    .option('--password-stdin', 'take the password from standard input')
    .action(
      action(async (flags, name: string, options: { admin?: boolean; passwordStdin?: boolean }) =>
        (await import('./accounts.ts')).userCreate(host, flags, name, options),
      ),
    )
}

const addTokens = (program: Command, host: Host, action: Action): void => {
  const tokenCreate = action(async (flags, options: { uses?: string; expires?: string; token?: string }) =>
    (await import('./accounts.ts')).tokenCreate(host, flags, options),
  )
  const withTokenOptions = (command: Command): Command =>
    command
      .description('make a registration token, for people to make their own accounts with')
      .option('--uses <number>', 'how many accounts it is good for (default: any number)')
      .option('--expires <duration>', 'how long it is good, such as 7d (default: for ever)')
      .option('--token <text>', 'its text (default: made up)')
      .action(tokenCreate)
  const token = program.command('token').description('registration tokens')
  withTokenOptions(token.command('create'))
  token
    .command('list')
    .description('print them: how often each was used, and how long it is good')
    .action(action(async flags => (await import('./accounts.ts')).tokenList(host, flags)))
  token
    .command('delete <token>')
    .description('make a token good for nothing')
    .action(
      action(async (flags, text: string) => (await import('./accounts.ts')).tokenDelete(host, flags, text)),
    )
  withTokenOptions(program.command('invite'))
}
