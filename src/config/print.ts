import { Document, isScalar, isSeq, isMap as isYamlMap } from 'yaml'
import type { Sources } from './load.ts'
import { type Config, configSchema } from './schema/index.ts'
import {
  camelCase,
  isList,
  isMap,
  isSection,
  isValue,
  type OptionPath,
  pathText,
  type Schema,
} from './schema-types.ts'
import { formatDuration, formatSize } from './units.ts'

const MASK = '********'

/** A secret as it may be shown: of a URL all but the password, of anything else nothing. */
export const masked = (secret: string): string => {
  if (secret.startsWith('sqlite:')) return secret
  const url = URL.parse(secret)
  if (url === null) return MASK
  if (url.password !== '') url.password = MASK
  // libpq also takes it as a parameter.
  if (url.searchParams.has('password')) url.searchParams.set('password', MASK)
  return url.href
}

const printable = (schema: Schema, value: unknown): unknown => {
  if (value === undefined) return undefined
  if (isSection(schema)) {
    const values = value as Record<string, unknown>
    const entries = Object.entries(schema.properties).map(([name, option]) => [
      name,
      printable(option, values[camelCase(name)]),
    ])
    return Object.fromEntries(entries.filter(([, printed]) => printed !== undefined))
  }
  if (isList(schema)) return (value as unknown[]).map(item => printable(schema.items, item))
  if (isMap(schema)) {
    const entries = Object.entries(value as Record<string, unknown>)
    return Object.fromEntries(
      entries.map(([key, item]) => [key, printable(schema.additionalProperties, item)]),
    )
  }
  if (!isValue(schema)) return value
  if (schema['x-secret']) return masked(String(value))
  if (schema.format === 'duration') return formatDuration(Number(value))
  return schema.format === 'size' ? formatSize(Number(value)) : value
}

/** Writes beside each option where it was set. */
const annotate = (node: unknown, sources: Sources, path: OptionPath = []): void => {
  if (isScalar(node)) {
    const source = sources.get(pathText(path))
    if (source) node.comment = ` ${source}`
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) annotate(item, sources, [...path, index])
  } else if (isYamlMap(node)) {
    for (const { key, value } of node.items) {
      annotate(value, sources, [...path, String(isScalar(key) ? key.value : key)])
    }
  }
}

/**
 * The settings in effect, as YAML that could be a settings file, but for the secrets, which are masked. What is not
 * at its default carries a comment that says where it was set.
 */
export const effectiveConfigText = (config: Config, sources: Sources = new Map()): string => {
  const document = new Document(printable(configSchema, config))
  annotate(document.contents, sources)
  return document.toString({ lineWidth: 0 })
}
