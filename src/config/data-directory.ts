import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readingFailure } from './layer.ts'
import { databaseLocation, signingKeyPath } from './locations.ts'
import { OperatorError } from './operator-error.ts'
import { SETTINGS_FILE } from './outside.ts'
import type { Config } from './schema/index.ts'
import { createKeyFile, keyFileWarning, readKeyFile } from './signing-key.ts'
import { settingsTemplate } from './template.ts'

const NAME_FILE = 'server_name'

/** What a start found and made. */
export interface Prepared {
  /** ID of the key that signs, such as `ed25519:a_AbCdEf`. */
  readonly signingKeyId: string
  /** Absolute paths of what was made just now; absent where it was there. */
  readonly created: { readonly settings?: string; readonly signingKey?: string }
  readonly warnings: readonly string[]
}

const failure = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EROFS') return 'it is on a read-only file system'
  if (code === 'ENOSPC') return 'the disk is full'
  return code === 'ENOTDIR' || code === 'EEXIST' ? 'it is not a directory' : readingFailure(error)
}

const makeWritable = (directory: string): void => {
  const trial = join(directory, `.write-test-${randomUUID()}`)
  try {
    mkdirSync(directory, { recursive: true, mode: 0o750 })
    writeFileSync(trial, '')
    rmSync(trial)
  } catch (error) {
    throw new OperatorError(
      `The data directory ${directory} cannot be written (${failure(error)}): make it writable for this user, or name another with --data.`,
    )
  }
}

/**
 * Holds the server to the name of its first start. Users, rooms and signatures carry it, so that the same data under
 * another name is a server that nobody believes.
 */
const compareName = (directory: string, serverName: string): { isNoted: boolean } => {
  const file = join(directory, NAME_FILE)
  if (!existsSync(file)) return { isNoted: false }
  const noted = readFileSync(file, 'utf8').trim()
  if (noted !== serverName) {
    throw new OperatorError(
      `The data in ${directory} belong to the server ${noted}, and a server's name can never change: set server_name back to ${noted}, or name another directory with --data to start a new server as ${serverName}.`,
    )
  }
  return { isNoted: true }
}

/**
 * Makes the key of a new server, unless another process that starts in the same directory was quicker. A server that has
 * started before must not change its identity without being told.
 */
const makeKey = (path: string, isNew: boolean): void => {
  if (!isNew) {
    throw new OperatorError(
      `The signing key ${path} is missing: restore it from your backup, or make a new one with "tessera keys generate" if it is lost.`,
    )
  }
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
    createKeyFile(path)
  } catch (error) {
    if (existsSync(path)) return
    throw new OperatorError(`The signing key ${path} cannot be written: ${failure(error)}.`)
  }
}

const databaseExists = (config: Config): boolean => {
  const database = databaseLocation(config)
  return database.kind === 'sqlite' && existsSync(database.path)
}

/**
 * Gets the data directory ready: makes it, notes the server's name in it or compares, makes the signing key, and at
 * the very first start without any settings file writes one that explains all options.
 *
 * Throws `OperatorError` when the directory cannot be written, belongs to another server, or has lost its key.
 *
 * @param settingsFile The settings file that was read, if there is one.
 */
export const prepareDataDirectory = (config: Config, settingsFile: string | undefined): Prepared => {
  const directory = config.dataDirectory
  makeWritable(directory)
  const { isNoted } = compareName(directory, config.serverName)
  const keyPath = signingKeyPath(config)
  const isNew = !existsSync(keyPath)
  if (isNew) makeKey(keyPath, !isNoted && !databaseExists(config))
  const { keys, mode } = readKeyFile(keyPath)
  const warning = keyFileWarning(keyPath, mode)
  if (!isNoted) writeFileSync(join(directory, NAME_FILE), `${config.serverName}\n`, { flush: true })
  const settings = !isNoted && settingsFile === undefined ? writeSettings(config) : undefined
  return {
    signingKeyId: keys[0].keyId,
    created: { ...(settings === undefined ? {} : { settings }), ...(isNew ? { signingKey: keyPath } : {}) },
    warnings: warning === undefined ? [] : [warning],
  }
}

/** Writes the settings file of a server that has none. One that is there stays as it is. */
const writeSettings = (config: Config): string | undefined => {
  const path = join(config.dataDirectory, SETTINGS_FILE)
  try {
    // For its owner alone: passwords of the database and the mail server will stand in it.
    writeFileSync(path, settingsTemplate({ server_name: config.serverName, data_directory: '.' }), {
      ...{ flag: 'wx', mode: 0o600 },
    })
    return path
  } catch {
    return undefined
  }
}
