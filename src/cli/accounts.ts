import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { ConfigFlags } from '../config/load.ts'
import { databaseLocation } from '../config/locations.ts'
import { createLog } from '../config/logging.ts'
import { OperatorError } from '../config/operator-error.ts'
import type { Config } from '../config/schema/index.ts'
import { MatrixError } from '../core/errors.ts'
import { localpartOf, serverNameOf } from '../core/ids.ts'
import { EXIT, type Host, say } from './host.ts'
import type { CliServices } from './ports.ts'
import { positive, positiveDuration } from './positive.ts'
import { shortPath, withConfig } from './settings.ts'
import { startFailure } from './start-errors.ts'

/** Opens the database for a command, and says in one sentence why something cannot be done. */
export const withServices = async (
  host: Host,
  config: Config,
  command: (services: CliServices) => Promise<void>,
): Promise<number> => {
  let services: CliServices | undefined
  try {
    refuseMissing(host, config)
    const log = createLog({ ...config.logging, level: 'warn' }, host.stderr)
    services = await (await host.loadServer()).openCliServices(config, log)
    await command(services)
    return EXIT.ok
  } catch (error) {
    const reason = error instanceof MatrixError ? `${error.message} (${error.errcode})` : startFailure(error)
    if (reason === undefined) throw error
    say(host, reason)
    return EXIT.failed
  } finally {
    await services?.close()
  }
}

/** A command run in the wrong directory must not make a new database there. */
const refuseMissing = (host: Host, config: Config): void => {
  const database = databaseLocation(config)
  if (database.kind !== 'sqlite' || existsSync(database.path)) return
  throw new OperatorError(
    `There is no database at ${shortPath(host, database.path)}: start the server once, or name its directory with --data.`,
  )
}

/** The localpart of `alice`, `@alice` or `@alice:this.server`. */
export const localpart = (name: string, serverName: string): string => {
  if (!name.startsWith('@')) return name
  const server = serverNameOf(name)
  if (server === '' || server === serverName) return localpartOf(name)
  throw new OperatorError(`This server is ${serverName}; it has no users of ${server}.`)
}

/** The first line of standard input, such as a password. */
export const firstLine = async (host: Host): Promise<string> => {
  const [line = ''] = (await text(host.stdin)).split(/\r?\n/)
  if (line === '') throw new OperatorError('There is no password on standard input.')
  return line
}

export interface UserOptions {
  readonly admin?: boolean
  readonly passwordStdin?: boolean
}

/** Makes an account, with a password from standard input or a made-up one, which is printed. */
export const userCreate = (
  host: Host,
  flags: ConfigFlags,
  name: string,
  options: UserOptions,
): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async services => {
      const password = options.passwordStdin ? { password: await firstLine(host) } : {}
      const admin = options.admin === true
      const user = await services.createUser({
        localpart: localpart(name, config.serverName),
        admin,
        ...password,
      })
      host.stdout.write(`${user.userId}\n`)
      if (user.password !== undefined) host.stdout.write(`password: ${user.password}\n`)
      if (admin) say(host, 'This account is an administrator of the server.')
    }),
  )

export interface TokenOptions {
  readonly uses?: string
  readonly expires?: string
  readonly token?: string
}

/** Makes a registration token. */
export const tokenCreate = (host: Host, flags: ConfigFlags, options: TokenOptions): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async services => {
      const { uses, expires, token } = options
      const made = await services.createRegistrationToken({
        ...(uses === undefined ? {} : { uses: positive('--uses', uses) }),
        ...(expires === undefined ? {} : { expiresInMs: positiveDuration('--expires', expires) }),
        ...(token === undefined ? {} : { token }),
      })
      host.stdout.write(`${made.token}\n`)
      if (config.registration.mode === 'closed') {
        say(host, 'warning: registration.mode is closed, so nobody can use the token: set it to token.')
      }
    }),
  )

/** Prints the registration tokens. */
export const tokenList = (host: Host, flags: ConfigFlags): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async services => {
      const tokens = await services.registrationTokens()
      for (const { token, used, usesAllowed, expiresTs } of tokens) {
        const uses = usesAllowed === undefined ? `used ${used} times` : `used ${used} of ${usesAllowed} times`
        const end = expiresTs === undefined ? 'for ever' : `until ${new Date(expiresTs).toISOString()}`
        host.stdout.write(`${token}  ${uses}  good ${end}\n`)
      }
      if (tokens.length === 0) host.stdout.write('there are no registration tokens\n')
    }),
  )

/** Deletes a registration token. */
export const tokenDelete = (host: Host, flags: ConfigFlags, token: string): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async services => {
      await services.deleteRegistrationToken(token)
      host.stdout.write(`${token}: deleted\n`)
    }),
  )
