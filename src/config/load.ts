import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, relative } from 'node:path'
import { type Assignment, fromEnvironment, fromSetFlag } from './assignments.ts'
import { contradictions, warningsAbout } from './checks.ts'
import { complete } from './complete.ts'
import { type Problem, prepareLayer, readingFailure } from './layer.ts'
import { assignmentFor, valueAt, withValue } from './merge.ts'
import { misspeltVariables } from './misspelt-variables.ts'

export type { ConfigFlags, LoadOptions } from './outside.ts'

import { findSettingsFile, type LoadOptions, shortcuts } from './outside.ts'
import { type Config, configSchema } from './schema/index.ts'
import { isValue, type OptionPath, pathText, schemaAt } from './schema-types.ts'
import { parseSettingsFile, type SettingsFile } from './settings-file.ts'
import { formatDuration } from './units.ts'
import { validate } from './validate.ts'

/** Where each option that is not at its default was set: `homeserver.yaml:3:5`, a variable, or a flag. */
export type Sources = ReadonlyMap<string, string>

export type LoadResult =
  | {
      readonly ok: true
      readonly config: Config
      readonly warnings: readonly string[]
      readonly sources: Sources
      /** The settings file that was read, absolute; absent if there is none. */
      readonly file?: string
    }
  | { readonly ok: false; readonly errors: readonly string[] }

/** Makes paths in an assignment absolute, and replaces the name of a secret's file by the secret. */
const settle = (assignment: Assignment, cwd: string, problems: Problem[]): Assignment => {
  const tree = prepareLayer(configSchema, withValue({}, assignment.path, assignment.value), cwd, problems)
  const last = String(assignment.path.at(-1))
  const path = schemaAt(configSchema, assignment.path)
    ? assignment.path
    : [...assignment.path.slice(0, -1), last.slice(0, -'_file'.length)]
  return { ...assignment, path, value: valueAt(tree, path) }
}

const leaves = (tree: unknown, path: OptionPath = []): OptionPath[] =>
  typeof tree === 'object' && tree !== null
    ? Object.entries(tree).flatMap(([key, value]) =>
        leaves(value, [...path, Array.isArray(tree) ? Number(key) : key]),
      )
    : [path]

/** Durations that are hardly meant: 365 for days, or 90 for minutes. */
const withoutUnit = (tree: unknown): string[] =>
  leaves(tree).flatMap(path => {
    const schema = schemaAt(configSchema, path)
    const value = String(valueAt(tree, path))
    return schema !== undefined &&
      isValue(schema) &&
      schema.format === 'duration' &&
      /^0*[1-9]\d*$/.test(value)
      ? [`${pathText(path)} is ${formatDuration(Number(value))}: a number without a unit counts milliseconds`]
      : []
  })

const readFile = (path: string, cwd: string): SettingsFile | { readonly errors: string[] } => {
  const shorter = relative(cwd, path)
  const name = shorter.startsWith('..') || isAbsolute(shorter) ? path : shorter
  try {
    const bytes = readFileSync(path)
    const text = bytes.toString('utf8')
    if (isUtf8(bytes)) return parseSettingsFile(name, text)
    const line = text.slice(0, text.indexOf('\uFFFD')).split('\n').length
    return { errors: [`${name}:${line}: the file must be text in UTF-8, and is in another encoding`] }
  } catch (error) {
    return { errors: [`${name}: ${readingFailure(error)}`] }
  }
}

/**
 * Brings the settings together: flags before environment before file before defaults.
 *
 * Everything that is wrong is found in one go, and said as `homeserver.yaml:3:5: listeners[0].port must be …`.
 */
export const loadConfig = (options: LoadOptions): LoadResult => {
  const { flags = {}, env, cwd } = options
  const filePath = findSettingsFile(options)
  const file = filePath === undefined ? undefined : readFile(filePath, cwd)
  if (file && 'errors' in file) return { ok: false, errors: file.errors }

  const base = filePath === undefined ? cwd : dirname(filePath)
  const problems: Problem[] = []
  const fileTree = prepareLayer(configSchema, file?.tree ?? {}, base, problems)
  const { fallbacks, before, after, warnings } = shortcuts(options)
  const fallen = fallbacks.filter(({ path }) => valueAt(fileTree, path) === undefined)
  const { assignments: fromEnv, errors } = fromEnvironment(configSchema, env)
  const sets = (flags.set ?? []).map(flag => fromSetFlag(configSchema, flag))
  errors.push(...sets.flatMap(set => ('error' in set ? [set.error] : [])))

  const loose = [
    ...fallen,
    ...before,
    ...fromEnv,
    ...sets.flatMap(set => ('path' in set ? [set] : [])),
    ...after,
  ]
  const locate = (assignments: readonly Assignment[], path: OptionPath): string =>
    assignmentFor(assignments, path)?.source ?? file?.locate(path) ?? ''
  const say = (assignments: readonly Assignment[], { path, message }: Problem): string => {
    const place = locate(assignments, path)
    return `${place}${place === '' ? '' : ': '}${pathText(path)} ${message}`
  }
  errors.push(...problems.splice(0).map(problem => say([], problem)))
  const assignments = loose.map(assignment => settle(assignment, cwd, problems))
  errors.push(...problems.map(problem => say(loose, problem)))

  const tree = assignments.reduce((merged, { path, value }) => withValue(merged, path, value), fileTree)
  const invalid = validate(configSchema, tree)
  errors.push(...invalid.map(problem => say(assignments, problem)))
  if (errors.length > 0) return { ok: false, errors }

  const config = complete(configSchema, tree, base)
  const contrary = contradictions(config)
  if (contrary.length > 0) return { ok: false, errors: contrary.map(problem => say(assignments, problem)) }
  return {
    ok: true,
    config,
    warnings: [
      ...warnings,
      ...misspeltVariables(configSchema, env),
      ...withoutUnit(tree),
      ...warningsAbout(config),
    ],
    sources: new Map(leaves(tree).map(path => [pathText(path), locate(assignments, path)])),
    ...(filePath === undefined ? {} : { file: filePath }),
  }
}

/** The settings of a server for which nothing is set; what tests start from. */
export const defaultConfig = (base: string, settings: object = {}): Config =>
  complete(configSchema, settings, base)
