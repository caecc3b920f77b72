/**
 * Response schemas by operation and status, with all references put in place, for the test kit: the official ones,
 * and those of `api-spec`. Reading YAML takes a second, so the result is kept under `node_modules/.cache`, keyed by
 * the names, sizes and times of the documents: every test file asks for it.
 */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { inlineComponents, loadOurDocuments, SPEC_ROOT } from './load.ts'
import {
  AREAS,
  followReference,
  isMap,
  type Json,
  type JsonMap,
  mapOf,
  OFFICIAL_ROOT,
  officialOperations,
} from './official.ts'

export interface ResponseSchemas {
  readonly method: string
  /** With `{parameters}`. */
  readonly path: string
  /** JSON schema of the body by status, as JSON text that is parsed when it is needed; `null`: the body is no JSON. */
  readonly responses: Readonly<Record<string, string | null>>
}

/** Raise when the form of the cache changes. */
const CACHE_VERSION = 2
/** References lead out of `api/`, to the schemas of events. */
const DATA_ROOT = new URL('../', OFFICIAL_ROOT)
const CACHE = new URL('../../node_modules/.cache/tessera-spec/', import.meta.url)

/** Prose and examples, which hold references of their own. */
const DROPPED = new Set(['description', 'title', 'example', 'examples'])
const NAME_MAPS = new Set(['properties', 'patternProperties'])

/** The schema with references replaced by what they point at; what stands beside a reference holds as well. */
export const resolveSchema = (schema: Json, from: URL, isNameMap = false): Json => {
  if (Array.isArray(schema)) return schema.map(each => resolveSchema(each, from))
  if (!isMap(schema)) return schema
  const own: JsonMap = {}
  for (const [key, value] of Object.entries(schema)) {
    if (!isNameMap && (key === '$ref' || DROPPED.has(key) || key.startsWith('x-'))) continue
    own[key] = resolveSchema(value, from, !isNameMap && NAME_MAPS.has(key))
  }
  if (isNameMap || typeof schema.$ref !== 'string') return own
  const { value, url } = followReference(schema.$ref, from)
  const target = mapOf(resolveSchema(value, url))
  return Object.keys(own).length === 0 ? target : { allOf: [target, own] }
}

const responsesOf = (operation: JsonMap, from: URL): Record<string, string | null> => {
  const responses: Record<string, string | null> = {}
  for (const [status, each] of Object.entries(mapOf(operation.responses))) {
    const reference = mapOf(each).$ref
    const { value, url } =
      typeof reference === 'string' ? followReference(reference, from) : { value: each, url: from }
    const json = mapOf(mapOf(value).content)['application/json']
    const schema = mapOf(json).schema
    responses[status] = schema === undefined ? null : JSON.stringify(resolveSchema(schema, url))
  }
  return responses
}

const readOfficial = (): ResponseSchemas[] =>
  AREAS.flatMap(officialOperations).map(({ method, path, operation, url }) => ({
    method: method.toUpperCase(),
    path,
    responses: responsesOf(operation, url),
  }))

const readOurs = (): ResponseSchemas[] => {
  const { operations, components, responses: shared } = loadOurDocuments()
  return operations.flatMap(({ method, path, operation }) => {
    const aliases = Array.isArray(operation['x-aliases']) ? operation['x-aliases'].map(String) : []
    const responses: Record<string, string | null> = {}
    for (const [status, each] of Object.entries(mapOf(operation.responses))) {
      const name = /#\/(\w+)$/.exec(String(mapOf(each).$ref ?? ''))?.[1]
      const json = mapOf(mapOf(name ? shared[name] : each).content)['application/json']
      const schema = mapOf(json).schema
      responses[status] = schema === undefined ? null : JSON.stringify(inlineComponents(schema, components))
    }
    return [path, ...aliases].map(each => ({ method: method.toUpperCase(), path: each, responses }))
  })
}

/** What `read` makes of the YAML files under `root`: from the cache, which is filled first if they have changed. */
const cached = (root: URL, read: () => ResponseSchemas[]): ResponseSchemas[] => {
  const hash = createHash('sha256').update(`${CACHE_VERSION}`)
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!name.endsWith('.yaml')) continue
    const { size, mtimeMs } = statSync(new URL(name, root))
    hash.update(`${name} ${size} ${mtimeMs}\n`)
  }
  const file = new URL(`${hash.digest('hex').slice(0, 32)}.json`, CACHE)
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as ResponseSchemas[]
  const responses = read()
  mkdirSync(CACHE, { recursive: true })
  // Test files run in parallel: none may read half a file.
  const draft = new URL(`${process.pid}-${performance.now()}.tmp`, CACHE)
  writeFileSync(draft, JSON.stringify(responses))
  renameSync(draft, file)
  return responses
}

/** Those of the official documents; call only where they are present. */
export const officialResponses = (): ResponseSchemas[] => cached(DATA_ROOT, readOfficial)

/** Those of `api-spec`, under every path that an operation has. */
export const ourResponses = (): ResponseSchemas[] => cached(SPEC_ROOT, readOurs)
