/**
 * Seeds our API documents with the structure of official operations:
 *
 *     npx node scripts/spec/seed.ts leaveRoom forgetRoom server-server/getRoomState
 *
 * An operation that our documents hold already is left alone, so that edits by hand survive; `--force` replaces
 * it. Then run `npm run spec`. Operation IDs that both APIs use are told apart by the prefix `federation`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { type Document, isCollection, isMap as isYamlMap, parseDocument, type YAMLMap } from 'yaml'
import { compact, parseDocumentOf, writeComponent, YAML_STYLE } from './components.ts'
import { keyOf, NOT_YET_FILE } from './coverage.ts'
import { loadOurDocuments, SPEC_ROOT } from './load.ts'
import {
  AREAS,
  followReference,
  isMap,
  type Json,
  type JsonMap,
  mapOf,
  type OfficialOperation,
  officialOperations,
  officialPresent,
} from './official.ts'
import { bodyIsOptional, extensionsOf, securityOf } from './policy.ts'
import { simplifySchema } from './simplify.ts'

/** Our ID of an official operation: its own, or prefixed where the client-server API has taken it. */
export const ourOperationId = (official: OfficialOperation): string => {
  if (official.operationId === 'logout_all') return 'logoutAll'
  const taken =
    official.area === 'server-server' &&
    officialOperations('client-server').some(other => other.operationId === official.operationId)
  const [first = '', ...rest] = official.operationId
  return taken ? `federation${first.toUpperCase()}${rest.join('')}` : official.operationId
}

const resolved = (value: Json, from: URL): { value: JsonMap; url: URL } => {
  const reference = mapOf(value).$ref
  if (typeof reference !== 'string') return { value: mapOf(value), url: from }
  const followed = followReference(reference, from)
  return { value: mapOf(followed.value), url: followed.url }
}

const parametersOf = (official: OfficialOperation): JsonMap[] => {
  const list = Array.isArray(official.operation.parameters) ? official.operation.parameters : []
  return list.map(each => {
    const { value, url } = resolved(each, official.url)
    const parameter: JsonMap = { in: value.in ?? 'query', name: value.name ?? '' }
    if (value.required === true) parameter.required = true
    parameter.schema = simplifySchema(value.schema, url, writeComponent)
    return parameter
  })
}

const contentOf = (value: JsonMap, url: URL): JsonMap =>
  Object.fromEntries(
    Object.entries(mapOf(value.content)).map(([type, media]) => [
      type,
      type === 'application/json' ? { schema: simplifySchema(mapOf(media).schema, url, writeComponent) } : {},
    ]),
  )

const responsesOf = (official: OfficialOperation): JsonMap => {
  const responses: JsonMap = {}
  for (const [status, each] of Object.entries(mapOf(official.operation.responses))) {
    const { value, url } = resolved(each, official.url)
    const reference = mapOf(mapOf(mapOf(value.content)['application/json']).schema).$ref
    if (typeof reference === 'string' && reference.endsWith('errors/error.yaml')) {
      responses[status] = { $ref: '../components/responses.yaml#/Error' }
    } else if (typeof reference === 'string' && reference.endsWith('errors/rate_limited.yaml')) {
      responses[status] = { $ref: '../components/responses.yaml#/RateLimited' }
    } else {
      const content = contentOf(value, url)
      responses[status] = {
        description: STATUS_CODES[status] ?? status,
        ...(Object.keys(content).length > 0 ? { content } : {}),
      }
    }
  }
  return responses
}

/** Our operation object for an official one. */
export const seededOperation = (official: OfficialOperation): JsonMap => {
  const operationId = ourOperationId(official)
  const security = securityOf(operationId, official)
  const parameters = parametersOf(official)
  const operation: JsonMap = {
    operationId,
    ...(official.operation.deprecated === true ? { deprecated: true } : {}),
  }
  operation.security = security
  Object.assign(operation, extensionsOf(operationId, official))
  if (parameters.length > 0) operation.parameters = parameters
  if (isMap(official.operation.requestBody)) {
    const { value, url } = resolved(official.operation.requestBody, official.url)
    const content = contentOf(value, url)
    operation.requestBody = { required: value.required === true && !bodyIsOptional(operationId), content }
  }
  operation.responses = responsesOf(official)
  return operation
}

const openDocument = (area: string, file: string): { url: URL; document: Document } => {
  const url = new URL(`${area}/${file}`, SPEC_ROOT)
  if (existsSync(url))
    return { url, document: parseDocument(readFileSync(url, 'utf8')) as unknown as Document }
  mkdirSync(new URL('.', url), { recursive: true })
  const title = `${area} ${file.replace(/\.yaml$/, '').replaceAll('_', ' ')}`
  return { url, document: parseDocumentOf({ openapi: '3.1.0', info: { title, version: '1.19' }, paths: {} }) }
}

/** Puts a pair where it sorts, leaving the order of the others alone. */
const insertSorted = (document: Document, map: YAMLMap, key: string, value: Json): void => {
  const pair = document.createPair(key, value)
  const place = map.items.findIndex(item => String(item.key) > key)
  map.items.splice(place === -1 ? map.items.length : place, 0, pair as (typeof map.items)[number])
}

const seed = (official: OfficialOperation, force: boolean): string => {
  const { url, document } = openDocument(official.area, official.file)
  const paths = document.get('paths')
  if (!isYamlMap(paths)) throw new Error(`${url.pathname} has no paths`)
  if (!paths.has(official.path)) insertSorted(document, paths as YAMLMap, official.path, {})
  const item = paths.get(official.path) as YAMLMap
  if (item.has(official.method) && !force) return `${ourOperationId(official)}: already there`
  const twin = loadOurDocuments().operations.find(
    ours =>
      keyOf(ours.method, ours.path) === keyOf(official.method, official.path) &&
      ours.file !== `${official.area}/${official.file}`,
  )
  if (twin)
    return `${ourOperationId(official)}: already there as ${twin.operation.operationId} in ${twin.file}`
  noLongerMissing(official)
  item.set(official.method, compact(document.createNode(seededOperation(official))))
  writeFileSync(url, document.toString(YAML_STYLE))
  return `${ourOperationId(official)}: ${official.method.toUpperCase()} ${official.path}`
}

/** Takes the operation, and others that share its method and path, off the list of what is not served. */
const noLongerMissing = (seeded: OfficialOperation): void => {
  const document = parseDocument(readFileSync(NOT_YET_FILE, 'utf8'))
  const places = officialOperations(seeded.area)
    .filter(each => keyOf(each.method, each.path) === keyOf(seeded.method, seeded.path))
    .map(each => [`${each.area}/${each.file}`, each.operationId] as const)
  for (const [file, operationId] of places) {
    if (!document.hasIn([file, operationId])) continue
    document.deleteIn([file, operationId])
    const left = document.get(file)
    if (isCollection(left) && left.items.length === 0) document.delete(file)
  }
  writeFileSync(NOT_YET_FILE, document.toString(YAML_STYLE))
}

const find = (name: string): OfficialOperation => {
  const candidates = AREAS.flatMap(officialOperations).filter(
    official =>
      ourOperationId(official) === name ||
      official.operationId === name ||
      `${official.area}/${official.operationId}` === name,
  )
  const exact = candidates.filter(official => ourOperationId(official) === name)
  const [found, another] = exact.length > 0 ? exact : candidates
  if (!found) throw new Error(`no official operation is called ${name}`)
  if (another) throw new Error(`${name} is ambiguous: write client-server/${name} or server-server/${name}`)
  return found
}

if (import.meta.main) {
  const names = process.argv.slice(2).filter(name => !name.startsWith('--'))
  if (!officialPresent()) throw new Error('the official documents (../shared/matrix-spec) are not here')
  if (names.length === 0) throw new Error('name the operations to seed')
  const force = process.argv.includes('--force')
  for (const official of names.map(find)) console.log(seed(official, force))
}
