import { createRequire } from 'node:module'
import pino, { type Logger } from 'pino'
import { OutsideError } from '../core/errors.ts'
import type { Log, LogFields } from '../core/log.ts'
import { OutageLines } from './outage-lines.ts'
import type { Config } from './schema/index.ts'
import { createSourcePositions } from './source-positions.ts'

export type LogLevel = Config['logging']['level']

/** The log of the process, and its handle. */
export interface RootLog extends Log {
  setLevel(level: LogLevel): void
  /** Whether lines of a level are written. */
  isLevelEnabled(level: string): boolean
}

export interface LogTarget {
  readonly isTTY?: boolean
  write(line: string): unknown
}

const CENSOR = '[secret]'

/** Fields that never reach the log, on the first and second level; both spellings, ours and that of the protocol. */
const SECRETS = [
  ...[
    'password',
    'new_password',
    'newPassword',
    'access_token',
    'accessToken',
    'refresh_token',
    'refreshToken',
  ],
  ...['token', 'login_token', 'secret', 'shared_secret', 'sharedSecret', 'mac', 'authorization', 'cookie'],
]

const SECRET_PATHS = SECRETS.flatMap(name => [name, `*.${name}`, `*.*.${name}`])

/** A URL or path without the secrets that its query may carry. */
export const withoutSecrets = (url: string): string =>
  url.replace(/([?&](?:access_token|loginToken|token|login_token|user_code)=)[^&#\s]*/gi, `$1${CENSOR}`)

const text = (value: unknown): unknown => (typeof value === 'string' ? withoutSecrets(value) : value)

const positions = createSourcePositions()

/** An error with what caused it, the first cause last. */
const chainOf = (value: unknown): readonly Error[] => {
  if (!(value instanceof Error)) return []
  const causes = value instanceof AggregateError ? value.errors : [value.cause]
  return [value, ...causes.flatMap(chainOf)]
}

/** What the errors of a chain say, without what one repeats of its cause. */
const reasonOf = (chain: readonly Error[]): string =>
  chain.reduce((said, { message }) => {
    if (said.endsWith(message)) return said
    return said === '' ? message : `${said}: ${message}`
  }, '')

/** An error as it is logged: with its stack, unless somebody outside is the cause, as is to be expected: then it is its reason. */
const error = (value: Error): unknown => {
  const chain = chainOf(value)
  if (chain.some(link => link instanceof OutsideError && link.expected)) return reasonOf(chain)
  const shown: unknown = pino.stdSerializers.err(value)
  return typeof shown === 'object' && shown !== null && 'stack' in shown && typeof shown.stack === 'string'
    ? Object.assign(shown, { stack: positions(shown.stack) })
    : shown
}

/** The stream that makes lines for people; loaded only where there are people. */
const pretty = (target: LogTarget): LogTarget => {
  const build = createRequire(import.meta.url)('pino-pretty') as (options: object) => LogTarget
  return build({
    colorize: target.isTTY === true,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname',
    destination: target,
    sync: true,
    singleLine: true,
  })
}

const rootOf = (logger: Logger, outage: OutageLines): RootLog => {
  const thinned = (level: 'warn' | 'error', fields: LogFields, message: string): void => {
    const left = outage.thinned(fields, message)
    if (left !== undefined) logger[level](left, message)
  }
  return {
    trace: (fields, message) => logger.trace(fields, message),
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => thinned('warn', fields, message),
    error: (fields, message) => thinned('error', fields, message),
    fatal: (fields, message) => logger.fatal(fields, message),
    child: fields => rootOf(logger.child(fields), outage),
    isLevelEnabled: level => logger.isLevelEnabled(level),
    setLevel: level => {
      logger.level = level
    },
  }
}

/**
 * Makes the log of the process: JSON lines, or lines for people on a terminal. Secrets are blanked out in the fields
 * named above, and in the query of `url` and `path`; messages are constant texts and carry none. All lines carry `fields`. Of what fails for
 * want of the database, or of the store of files, there are few (`OutageLines`).
 */
export const createLog = (
  options: Config['logging'],
  target: LogTarget = process.stdout,
  fields?: LogFields,
): RootLog => {
  const forPeople = options.format === 'pretty' || (options.format === 'auto' && target.isTTY === true)
  const logger = pino(
    {
      level: options.level,
      base: fields ?? null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: CENSOR },
      serializers: { err: error, url: text, path: text },
    },
    forPeople ? pretty(target) : target,
  )
  return rootOf(logger, new OutageLines())
}
