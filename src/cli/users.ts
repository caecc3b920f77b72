import type { ConfigFlags } from '../config/load.ts'
import { OperatorError } from '../config/operator-error.ts'
import { firstLine, localpart, withServices } from './accounts.ts'
import type { Host } from './host.ts'
import type { CliServices, ListedUser } from './ports.ts'
import { positive } from './positive.ts'
import { withConfig } from './settings.ts'

type UserServices = CliServices['users']

/** Runs a command over the accounts of the server that the settings name; `idOf` makes a user ID of `alice`. */
const withUsers = (
  host: Host,
  flags: ConfigFlags,
  command: (users: UserServices, idOf: (name: string) => string) => Promise<void>,
): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, ({ users }) =>
      command(users, name => `@${localpart(name, config.serverName)}:${config.serverName}`),
    ),
  )

/** Prints accounts in the order of their names: what they are, and when they were last heard of. */
export const userList = (
  host: Host,
  flags: ConfigFlags,
  options: { readonly match?: string; readonly limit?: string },
): Promise<number> =>
  withUsers(host, flags, async users => {
    const limit = positive('--limit', options.limit ?? '100')
    const found = await users.list({
      limit,
      ...(options.match === undefined ? {} : { match: options.match }),
    })
    for (const user of found) {
      const devices = user.devices === 1 ? '1 device' : `${user.devices} devices`
      // Known of devices that are there: who has logged out everywhere may have been here yesterday.
      const seen = user.lastSeenTs === undefined ? [] : [`last seen ${dayOf(user.lastSeenTs)}`]
      host.stdout.write(`${[user.userId, ...marksOf(user), devices, ...seen].join('  ')}\n`)
    }
    if (found.length === 0) host.stdout.write('there are no such accounts\n')
  })

/** Prints what is known of an account. */
export const userShow = (host: Host, flags: ConfigFlags, name: string): Promise<number> =>
  withUsers(host, flags, async (users, idOf) => {
    const user = await users.find(idOf(name))
    if (user === undefined) throw new OperatorError(`There is no account ${idOf(name)} here.`)
    const facts: Record<string, string> = {
      user: user.userId,
      name: user.displayName ?? '-',
      is: marksOf(user).join(', ') || 'an ordinary account',
      made: new Date(user.createdTs).toISOString(),
      'last seen': user.lastSeenTs === undefined ? '-' : new Date(user.lastSeenTs).toISOString(),
      devices: String(user.devices),
    }
    for (const [fact, value] of Object.entries(facts)) host.stdout.write(`${fact}: ${value}\n`)
  })

/** Sets a password, one from standard input or a made-up one, which is printed. */
export const userPassword = (
  host: Host,
  flags: ConfigFlags,
  name: string,
  options: { readonly passwordStdin?: boolean; readonly keepSessions?: boolean },
): Promise<number> =>
  withUsers(host, flags, async (users, idOf) => {
    const given = options.passwordStdin ? await firstLine(host) : undefined
    const endSessions = options.keepSessions !== true
    const password = await users.setPassword(idOf(name), {
      endSessions,
      ...(given === undefined ? {} : { password: given }),
    })
    host.stdout.write(`${idOf(name)}\n`)
    if (given === undefined) host.stdout.write(`password: ${password}\n`)
    if (endSessions) host.stdout.write('logged out everywhere\n')
  })

/** Logs a user out everywhere. */
export const userLogout = (host: Host, flags: ConfigFlags, name: string): Promise<number> =>
  withUsers(host, flags, async (users, idOf) => {
    await users.endSessions(idOf(name))
    host.stdout.write(`${idOf(name)}: logged out everywhere\n`)
  })

const FLAGS = {
  admin: { flag: 'is_admin', on: 'is an administrator', off: 'is no administrator' },
  lock: { flag: 'is_locked', on: 'is locked', off: 'is not locked' },
  suspend: { flag: 'is_suspended', on: 'is suspended', off: 'is not suspended' },
} as const

/** Makes an account an administrator, locks or suspends it, or ends that. */
export const userFlag = (
  host: Host,
  flags: ConfigFlags,
  name: string,
  what: { readonly flag: keyof typeof FLAGS; readonly undo: boolean },
): Promise<number> =>
  withUsers(host, flags, async (users, idOf) => {
    const { flag, on, off } = FLAGS[what.flag]
    await users.setFlag(idOf(name), flag, !what.undo)
    host.stdout.write(`${idOf(name)} ${what.undo ? off : on}\n`)
  })

/** Deactivates an account for good. */
export const userDeactivate = (
  host: Host,
  flags: ConfigFlags,
  name: string,
  options: { readonly erase?: boolean },
): Promise<number> =>
  withUsers(host, flags, async (users, idOf) => {
    await users.deactivate(idOf(name), { erase: options.erase === true })
    host.stdout.write(
      `${idOf(name)} is deactivated; it leaves its rooms within a minute, or when the server starts\n`,
    )
  })

const marksOf = (user: ListedUser): string[] => [
  ...(user.kind === 'guest' ? ['guest'] : []),
  ...(user.isAdmin ? ['administrator'] : []),
  ...(user.isLocked ? ['locked'] : []),
  ...(user.isSuspended ? ['suspended'] : []),
  ...(user.deactivatedTs === undefined ? [] : [`deactivated ${dayOf(user.deactivatedTs)}`]),
]

const dayOf = (instant: number): string => new Date(instant).toISOString().slice(0, 10)
