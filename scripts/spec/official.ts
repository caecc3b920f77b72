/**
 * The official Matrix API documents, read where they lie beside the repository. Only the seeding script, the
 * coverage report and the test kit need them; nothing that runs in production does.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parse } from 'yaml'

export type Json = string | number | boolean | null | Json[] | JsonMap
export interface JsonMap {
  [key: string]: Json
}

export const isMap = (value: unknown): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `value` as a map; an empty one when it is anything else. */
export const mapOf = (value: unknown): JsonMap => (isMap(value) ? value : {})

export const OFFICIAL_ROOT = new URL('../../../shared/matrix-spec/data/api/', import.meta.url)

export const officialPresent = (): boolean => existsSync(OFFICIAL_ROOT)

/** The APIs whose operations a homeserver answers. */
export const AREAS = ['client-server', 'server-server'] as const
export type Area = (typeof AREAS)[number]

export const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'options', 'head'] as const

export interface OfficialOperation {
  readonly area: Area
  /** File name within the area, such as `sync.yaml`. */
  readonly file: string
  readonly url: URL
  readonly operationId: string
  readonly method: string
  /** Full path from `/`, with `{parameters}`. */
  readonly path: string
  /** The operation object; references are not resolved. */
  readonly operation: JsonMap
  readonly document: JsonMap
}

const documents = new Map<string, JsonMap>()

/** A document, parsed once. YAML merge keys are honoured, as the official tooling does. */
export const loadDocument = (url: URL): JsonMap => {
  const known = documents.get(url.href)
  if (known) return known
  const document = mapOf(parse(readFileSync(url, 'utf8'), { merge: true }))
  documents.set(url.href, document)
  return document
}

/** The value a reference points at, and the file that its own relative references start from. */
export const followReference = (
  reference: string,
  from: URL,
): { value: Json; url: URL; wholeFile: boolean } => {
  const [file = '', pointer = ''] = reference.trim().split('#')
  const url = file === '' ? from : new URL(file, from)
  let value: Json = loadDocument(url)
  for (const part of pointer.split('/').filter(Boolean)) {
    const next: Json | undefined = mapOf(value)[part.replaceAll('~1', '/').replaceAll('~0', '~')]
    if (next === undefined) throw new Error(`${reference} in ${from.pathname} points nowhere`)
    value = next
  }
  return { value, url, wholeFile: pointer === '' }
}

/** Every operation of the official documents of one area, in file order. */
export const officialOperations = (area: Area): OfficialOperation[] => {
  const directory = new URL(`${area}/`, OFFICIAL_ROOT)
  const operations: OfficialOperation[] = []
  for (const file of readdirSync(directory)
    .filter(name => name.endsWith('.yaml'))
    .sort()) {
    const url = new URL(file, directory)
    const document = loadDocument(url)
    const server = mapOf((document.servers as Json[] | undefined)?.[0])
    const basePath = mapOf(mapOf(server.variables).basePath).default ?? ''
    for (const [path, item] of Object.entries(mapOf(document.paths))) {
      for (const [method, operation] of Object.entries(mapOf(item))) {
        if (!METHODS.includes(method as (typeof METHODS)[number]) || !isMap(operation)) continue
        operations.push({
          area,
          file: basename(file),
          url,
          operationId: String(operation.operationId),
          method,
          // One official path ends in a blank.
          path: `${basePath}${path}`.trim(),
          operation,
          document,
        })
      }
    }
  }
  return operations
}
