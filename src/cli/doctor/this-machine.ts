import { statfsSync } from 'node:fs'
import { databaseLocation, signingKeyPath } from '../../config/locations.ts'
import type { Config } from '../../config/schema/index.ts'
import { keyFileWarning, readKeyFile } from '../../config/signing-key.ts'
import { probeMailServer } from '../../network/mailer.ts'
import { DEFAULT_PASSWORD_OPTIONS, Passwords } from '../../services/accounts/passwords.ts'
import { inspectDatabase, unsoundIn } from '../../storage/inspect.ts'
import { systemClock } from '../../system-clock.ts'
import { startFailure } from '../start-errors.ts'
import { explain, type Finding, fail, ok, skip, warn } from './finding.ts'

const GIB = 1024 ** 3

/** Whether the disk has room for what is to come. */
export const checkDisk = (config: Config): Finding => {
  try {
    const { bavail, bsize } = statfsSync(config.dataDirectory)
    const free = bavail * bsize
    const message = `${(free / GIB).toFixed(1)} GiB free for ${config.dataDirectory}`
    const fix = 'Make room, or move the data to a larger disk: a full disk stops the server.'
    if (free < GIB / 10) return fail('disk', message, fix)
    return free < GIB ? warn('disk', message, fix) : ok('disk', message)
  } catch {
    return fail(
      'data directory',
      `${config.dataDirectory} is not there`,
      'Start the server once, or name its directory with --data.',
    )
  }
}

/** Whether the signing key can be read, by this server alone. */
export const checkKeyFile = (config: Config): Finding => {
  const path = signingKeyPath(config)
  try {
    const { keys, mode } = readKeyFile(path)
    const warning = keyFileWarning(path, mode)
    return warning === undefined
      ? ok('signing key', `${keys[0].keyId} in ${path}`)
      : warn('signing key', `${path} has mode ${mode.toString(8)}`, warning)
  } catch (error) {
    return fail('signing key', explain(error), 'Restore it from your backup, or run: tessera keys generate')
  }
}

/** Of what is wrong in a database not more is told than this. */
const MOST_TOLD = 3

/** Whether the database can be reached and written, is one for this program, and is whole. */
export const checkDatabase = async (config: Config): Promise<Finding> => {
  const location = databaseLocation(config)
  const name = location.kind === 'sqlite' ? location.path : 'PostgreSQL'
  try {
    const state = await inspectDatabase(location)
    if (state.kind === 'missing') {
      return warn('database', `${name} is not there yet`, 'The first start makes it.')
    }
    if (!state.isCurrent) return ok('database', `${name}, to be migrated at the next start`)
    const unsound = await unsoundIn(location)
    return unsound.length === 0 ? ok('database', name) : fail('database', toldOf(name, unsound), RESTORE)
  } catch (error) {
    return fail(
      'database',
      startFailure(error) ?? explain(error),
      location.kind === 'sqlite'
        ? 'Correct database.url, or the permissions of its files; a damaged file is replaced by a backup (docs/running.md, "Backups").'
        : 'See that PostgreSQL runs and takes connections, or correct database.url.',
    )
  }
}

const RESTORE =
  'Stop the server, keep what is there, and restore a backup into an empty database (docs/running.md, "Backups").'

const toldOf = (name: string, unsound: readonly string[]): string => {
  const others = unsound.length - MOST_TOLD
  return `${name}: ${unsound.slice(0, MOST_TOLD).join(', ')}${others > 0 ? `, and ${others} more` : ''}`
}

/** Whether passwords can be hashed here, at the cost that is set: what does it is loaded with the first password, and made for one kind of machine. */
export const checkPasswords = async ({ passwords: { enabled, hashing } }: Config): Promise<Finding> => {
  if (!enabled) return skip('passwords', 'passwords.enabled is false')
  const { iterations, parallelism } = hashing
  const cost = { memoryKib: Math.ceil(hashing.memory / 1024), iterations, parallelism }
  try {
    const began = performance.now()
    await new Passwords({ ...DEFAULT_PASSWORD_OPTIONS, ...cost }).hash('doctor')
    return ok('passwords', `one is hashed in ${Math.ceil(performance.now() - began)} ms`)
  } catch (error) {
    return fail(
      'passwords',
      explain(error),
      'Nobody can sign in with one. Install what the program needs on this machine (npm ci), or lower passwords.hashing.',
    )
  }
}

/** Whether the mail server takes what this server would send; each of its answers is waited for so long. */
export const checkMail = async ({ email, caFile }: Config, timeoutMs: number): Promise<Finding> => {
  const { host, from } = email
  if (host === undefined || from === undefined) return skip('e-mail', 'no mail server is named (email.host)')
  try {
    await probeMailServer({ ...email, host, from, caFile, clock: systemClock }, timeoutMs)
    return ok('e-mail', `${host} lets this server in`)
  } catch (error) {
    return fail('e-mail', explain(error), 'Correct the options under email.')
  }
}
