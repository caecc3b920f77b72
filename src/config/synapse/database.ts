import { OperatorError } from '../operator-error.ts'
import { option, type SynapseSettings, synapsePath, textOption } from './settings.ts'

/** Where Synapse keeps its data. */
export type SynapseDatabase =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }

/** Options of libpq that are part of the address. */
const ADDRESS = new Set(['user', 'password', 'host', 'port', 'dbname', 'database'])
/** Options of libpq that our driver knows too. */
const PASSED_ON = new Set(['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'options'])

/**
 * Where the settings of Synapse say that its data is.
 * @throws {OperatorError} if they do not, or in a way that we do not know
 */
export const synapseDatabase = (settings: SynapseSettings, cwd: string): SynapseDatabase => {
  if (option(settings.tree, ['databases']) !== undefined) {
    throw new OperatorError(
      "Synapse's data is split over several databases (`databases` in its settings), which the import cannot read: bring them together in one first.",
    )
  }
  const name = textOption(settings, 'database', 'name')
  const args = option(settings.tree, ['database', 'args'])
  const given: Record<string, unknown> = typeof args === 'object' && args !== null ? { ...args } : {}
  if (name === 'sqlite3') {
    const file = given['database']
    if (typeof file !== 'string')
      throw new OperatorError("Synapse's settings name no file of its database (`database.args.database`).")
    return { kind: 'sqlite', path: synapsePath(settings, cwd, file) }
  }
  if (name === 'psycopg2') {
    if (given['dsn'] !== undefined) {
      throw new OperatorError(
        "Synapse's settings name its database by a `dsn` (`database.args.dsn`), which is not read: give its address by --database postgres://USER@HOST/NAME.",
      )
    }
    return { kind: 'postgres', url: urlOf(given) }
  }
  throw new OperatorError(
    "Synapse's settings name no database (`database`): give the file that does as well, or its address by --database.",
  )
}

const urlOf = (args: Readonly<Record<string, unknown>>): string => {
  const text = (key: string): string | undefined =>
    args[key] === undefined || args[key] === null ? undefined : String(args[key])
  const [user, password] = [text('user'), text('password')].map(part => part && encodeURIComponent(part))
  const who = user === undefined ? '' : `${user}${password === undefined ? '' : `:${password}`}@`
  const host = text('host')
  const isSocket = host?.startsWith('/') === true
  const port = text('port')
  const where = isSocket || host === undefined ? '' : `${host}${port === undefined ? '' : `:${port}`}`
  const query = new URLSearchParams()
  if (isSocket && host !== undefined) query.set('host', host)
  if (host === undefined) query.set('host', '/var/run/postgresql')
  if (where === '' && port !== undefined) query.set('port', port)
  for (const [key, value] of Object.entries(args))
    if (!ADDRESS.has(key) && PASSED_ON.has(key)) query.set(key, String(value))
  const mode = sslMode(text('sslmode'), args['sslrootcert'] !== undefined)
  if (mode === undefined) query.delete('sslmode')
  else query.set('sslmode', mode)
  const name = encodeURIComponent(text('dbname') ?? text('database') ?? text('user') ?? '')
  const rest = query.size === 0 ? '' : `?${query}`
  return `postgres://${who}${where}/${name}${rest}`
}

/** What libpq means by a mode, in words of our driver, which takes all of them for `verify-full`. */
const sslMode = (mode: string | undefined, hasRoot: boolean): string | undefined => {
  if (mode === undefined || mode === 'allow' || mode === 'prefer') return undefined
  return mode === 'require' && !hasRoot ? 'no-verify' : mode
}
