import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { databaseLocation, signingKeyPath } from '../config/locations.ts'
import { OperatorError } from '../config/operator-error.ts'
import type { Config } from '../config/schema/index.ts'
import { type SynapseDatabase, synapseDatabase } from '../config/synapse/database.ts'
import {
  option,
  readSynapseSettings,
  type SynapseSettings,
  synapsePath,
  textOption,
} from '../config/synapse/settings.ts'
import { takeOverKey } from '../config/synapse/signing-key.ts'
import { refuseServed } from '../storage/inspect.ts'
import { openDatabase } from '../storage/open.ts'
import { fingerprint } from '../storage/synapse/fingerprint.ts'
import { holdsPeopleOrRooms, importUnderWay } from '../storage/synapse/mark.ts'
import { openMas } from '../storage/synapse/mas.ts'
import { openSynapse } from '../storage/synapse/open.ts'
import type { SynapseSource } from '../storage/synapse/source.ts'
import { type Host, say } from './host.ts'
import { synapseSeemsToRun } from './synapse-running.ts'

/** Where Synapse's settings say that it leaves signing in to somebody else. */
const MAS = ['matrix_authentication_service', 'enabled']
const OLD_MAS = ['experimental_features', 'msc3861', 'enabled']

/** What is imported from, and what its settings say. */
export interface ImportFrom {
  readonly config: Config
  readonly settings: SynapseSettings
  readonly source: SynapseSource
}

const leavesSigningIn = ({ tree }: SynapseSettings): boolean =>
  option(tree, MAS) === true || option(tree, OLD_MAS) === true

/**
 * Opens the database of the Matrix Authentication Service to which Synapse leaves signing in. `undefined`: Synapse does that itself;
 * `left`: it does not, and what the service has is to stay behind.
 * @throws {OperatorError} `SynapseUnreadable`
 */
export const masSource = async (
  settings: SynapseSettings,
  { masDatabase: url }: { readonly masDatabase?: string | false },
): Promise<SynapseSource | 'left' | undefined> => {
  if (!leavesSigningIn(settings)) {
    if (typeof url !== 'string') return undefined
    throw new OperatorError(
      '--mas-database is given, but Synapse signs people in itself by its settings: name all of its files (matrix_authentication_service).',
    )
  }
  if (url === false) return 'left'
  if (url === undefined) {
    throw new OperatorError(
      'Synapse leaves signing in to a Matrix Authentication Service, which has the passwords, e-mail addresses and sessions: stop that, too, and name its database (--mas-database postgres://USER@HOST/NAME), or leave all of that behind (--no-mas-database).',
    )
  }
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new OperatorError('--mas-database is no database: write postgres://USER@HOST/NAME.')
  return openMas(url)
}

/** How the marks of all imports from a server begin. */
const markOf = ({ serverName }: Config): string => `synapse ${serverName} at `

/** What a database that is being filled by this import says of itself: it is gone on with as long as the source is what it was. */
export const importMark = async ({
  config,
  source,
}: Pick<ImportFrom, 'config' | 'source'>): Promise<string> => `${markOf(config)}${await fingerprint(source)}`

/** Reads Synapse's settings, and opens its database. Throws `OperatorError` or `SynapseUnreadable`. */
export const importSource = async (
  host: Host,
  config: Config,
  paths: readonly string[],
  options: { readonly database?: string },
): Promise<Pick<ImportFrom, 'settings' | 'source'>> => {
  const settings = readSynapseSettings(host.cwd, paths)
  const name = textOption(settings, 'server_name')
  if (name === undefined) {
    throw new OperatorError(
      `Synapse's settings say no server_name: name the file that does as well (Debian has it in conf.d/server_name.yaml).`,
    )
  }
  if (name !== config.serverName) {
    throw new OperatorError(
      `Synapse's server is ${name}, and this one is ${config.serverName}: a server's name can never change. Set server_name to ${name}.`,
    )
  }
  const location =
    options.database === undefined ? synapseDatabase(settings, host.cwd) : locationOf(host, options.database)
  return { settings, source: await openSynapse(location) }
}

const locationOf = (host: Host, url: string): SynapseDatabase => {
  if (!/^(sqlite:|postgres(ql)?:\/\/)/.test(url)) {
    throw new OperatorError(`--database is no database: write sqlite:PATH or postgres://USER@HOST/NAME.`)
  }
  const database = { url, maxConnections: 1 }
  return databaseLocation({ dataDirectory: host.cwd, database })
}

/**
 * Refuses what would end badly, one sentence each; takes over Synapse's signing key if there is none yet, unless this is a check alone.
 * @throws {OperatorError}
 */
export const refuseUnfit = async (
  host: Host,
  { config, settings, source }: ImportFrom,
  { check = false }: { readonly check?: boolean },
): Promise<void> => {
  const target = databaseLocation(config)
  await refuseServed(target, Date.now())
  const runs = await synapseSeemsToRun(settings, source, host.cwd)
  if (runs !== undefined) {
    throw new OperatorError(
      `Synapse seems to be running: ${runs}. Stop it first. If that is something else, name one more settings file at the end, which says "pid_file: null" and "listeners: []".`,
    )
  }
  const pepper = textOption(settings, 'password_config', 'pepper')
  // What was Synapse's pepper is a secret of the service's by now.
  if (!leavesSigningIn(settings) && pepper !== config.passwords.bcryptPepper) {
    throw new OperatorError(
      pepper === undefined
        ? "passwords.bcrypt_pepper is set here, and Synapse has no pepper (password_config.pepper): remove it, or nobody's password is right."
        : "Synapse has a pepper (password_config.pepper): set passwords.bcrypt_pepper to the same text, or nobody's password is right.",
    )
  }
  await refuseFilled({ config, source })
  const keyFile = signingKeyFile(settings, config.serverName)
  const isNew = takeOverKey(synapsePath(settings, host.cwd, keyFile), signingKeyPath(config), check)
  if (isNew) say(host, `Took over Synapse's signing key as ${signingKeyPath(config)}`)
}

/** Where Synapse's signing key is: by default beside its settings, under its name. @throws {OperatorError} */
const signingKeyFile = (settings: SynapseSettings, serverName: string): string => {
  if (textOption(settings, 'signing_key') !== undefined) {
    throw new OperatorError(
      "Synapse's settings hold the signing key itself (signing_key): put that line into a file, and name it by signing_key_path in its place.",
    )
  }
  const keyFile = textOption(settings, 'signing_key_path')
  if (keyFile !== undefined) return keyFile
  const usual = join(settings.directory, `${serverName}.signing.key`)
  if (existsSync(usual)) return usual
  throw new OperatorError(
    "Synapse's settings name no signing key (signing_key_path): name the file that does as well.",
  )
}

/** Only an empty database is filled, or one that is being filled from here. */
const refuseFilled = async (from: Pick<ImportFrom, 'config' | 'source'>): Promise<void> => {
  const target = databaseLocation(from.config)
  const db = await openDatabase(target, { isBeingFilled: true })
  try {
    const underWay = await importUnderWay(target)
    if (underWay === (await importMark(from))) return
    if (underWay?.startsWith(markOf(from.config)) === true) {
      throw new OperatorError(
        'Synapse was in use again since this import was begun, so that what has come over is out of date: empty the database of this server (or remove its file), and begin anew.',
      )
    }
    if (await holdsPeopleOrRooms(db)) {
      throw new OperatorError(
        'The database of this server holds accounts or rooms already: an import needs an empty one (set database.url to another, or begin with another data directory).',
      )
    }
  } finally {
    await db.close()
  }
}
