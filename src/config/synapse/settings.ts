import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { readingFailure } from '../layer.ts'
import { OperatorError } from '../operator-error.ts'

/** Settings of Synapse, of one or more files. */
export interface SynapseSettings {
  /** The directory of the first file. */
  readonly directory: string
  readonly tree: Readonly<Record<string, unknown>>
}

/**
 * Reads settings as Synapse reads them: later files win, option by option at the top; of a directory, all `*.yaml` in it.
 * @throws {OperatorError} if one cannot be read
 */
export const readSynapseSettings = (cwd: string, paths: readonly string[]): SynapseSettings => {
  const files = paths.flatMap(path => filesOf(resolve(cwd, path)))
  const [first] = files
  if (first === undefined) throw new OperatorError(`There are no settings of Synapse in ${paths.join(', ')}.`)
  return { directory: dirname(first), tree: Object.assign({}, ...files.map(treeOf)) }
}

const filesOf = (path: string): string[] => {
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path)
      .filter(name => name.endsWith('.yaml'))
      .sort()
      .map(name => join(path, name))
  } catch (error) {
    throw new OperatorError(`Synapse's settings ${path} cannot be read: ${readingFailure(error)}.`)
  }
}

const treeOf = (file: string): object => {
  try {
    const tree: unknown = parse(readFileSync(file, 'utf8'), { logLevel: 'silent' })
    if (tree === null || tree === undefined) return {}
    if (typeof tree !== 'object' || Array.isArray(tree)) throw new Error('it holds no options')
    return tree
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new OperatorError(`Synapse's settings ${file} cannot be read: ${reason}.`)
  }
}

/** An option of Synapse's that is a text: `text(settings, 'password_config', 'pepper')`. */
export const textOption = ({ tree }: SynapseSettings, ...path: readonly string[]): string | undefined => {
  const value = option(tree, path)
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Any option of Synapse's. */
export const option = (tree: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, step) => (isTree(at) && Object.hasOwn(at, step) ? at[step] : undefined), tree)

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * A path in Synapse's settings. Those that are not absolute are meant from where Synapse was started, which nothing says: the current directory and
 * that of the settings are tried.
 */
export const synapsePath = (settings: SynapseSettings, cwd: string, path: string): string => {
  if (isAbsolute(path)) return path
  return [resolve(cwd, path), resolve(settings.directory, path)].find(existsSync) ?? resolve(cwd, path)
}
