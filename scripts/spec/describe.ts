/** From an operation of `api-spec` to its row of the table and the schemas that validate its requests. */
import {
  type Authentication,
  type Coercion,
  METHODS,
  type Method,
  type Operation,
  RATE_LIMIT_BUCKETS,
  type RateLimitBucket,
} from '../../src/spec/operation.ts'
import { inlineComponents, type OurDocuments, type OurOperation } from './load.ts'
import { isMap, type Json, type JsonMap, mapOf } from './official.ts'

const DEFAULT_BODY_LIMIT = 65_536

const EXTENSIONS = new Set(
  [
    'aliases',
    'rate-limit',
    'user-interactive',
    'guest',
    'when-suspended',
    'when-locked',
    'body-limit',
    'may-be-empty',
  ].map(name => `x-${name}`),
)

/** The row of one operation. Throws, naming operation and document, on what it does not understand. */
export const describe = (ours: OurOperation): Operation => {
  const { operation, file } = ours
  const operationId = String(operation.operationId)
  const fail = (problem: string): never => {
    throw new Error(`${file}: ${operationId}: ${problem}`)
  }
  if (!/^[a-zA-Z]\w*$/.test(operationId)) fail('the operationId is no identifier')
  for (const key of Object.keys(operation)) {
    if (key.startsWith('x-') && !EXTENSIONS.has(key)) fail(`unknown extension ${key}`)
  }
  const choice = <const T extends string>(key: string, allowed: readonly T[], fallback: T): T => {
    const value = operation[key] ?? fallback
    return allowed.find(each => each === value) ?? fail(`${key} must be one of ${allowed.join(', ')}`)
  }
  const bucket =
    RATE_LIMIT_BUCKETS.find(each => each === operation['x-rate-limit']) ??
    fail('x-rate-limit names no bucket')
  const method =
    METHODS.find(each => each === ours.method.toUpperCase()) ?? fail(`unknown method ${ours.method}`)
  const aliases = Array.isArray(operation['x-aliases']) ? operation['x-aliases'].map(String) : []
  const content = mapOf(mapOf(operation.requestBody).content)
  const query = parametersIn(operation, 'query')
  const defaults = query.filter(each => mapOf(each.schema).default !== undefined)
  const limit = operation['x-body-limit'] ?? DEFAULT_BODY_LIMIT
  const authentication = authenticationOf(operation, fail)
  return {
    operationId,
    method: method as Method,
    paths: [ours.path, ...aliases],
    authentication,
    rateLimit: bucket as RateLimitBucket,
    body: 'application/json' in content ? 'json' : Object.keys(content).length > 0 ? 'stream' : 'none',
    bodyRequired: mapOf(operation.requestBody).required === true,
    bodyLimit: typeof limit === 'number' ? limit : fail('x-body-limit is no number'),
    userInteractive: operation['x-user-interactive'] === true,
    guest: choice('x-guest', ['allow', 'refuse'], 'refuse'),
    whenSuspended: choice(
      'x-when-suspended',
      ['allow', 'refuse', 'handler'],
      authentication === 'administratorToken' ? 'refuse' : 'allow',
    ),
    whenLocked: choice('x-when-locked', ['allow', 'refuse'], 'refuse'),
    ...(typeof operation['x-may-be-empty'] === 'string' ? { mayBeEmpty: operation['x-may-be-empty'] } : {}),
    query: coercions(query),
    ...(defaults.length > 0 ? { queryDefaults: Object.fromEntries(defaults.map(defaultOf)) } : {}),
    path: coercions(parametersIn(operation, 'path')),
  }
}

/** Security schemes under which nobody may come without proof. */
const ALWAYS_PROVEN = [
  'appServiceToken',
  'administratorToken',
  'signedRequest',
] as const satisfies Authentication[]

const authenticationOf = (operation: JsonMap, fail: (problem: string) => never): Authentication => {
  const requirements = Array.isArray(operation.security) ? operation.security : fail('security is missing')
  const names = requirements.flatMap(each => Object.keys(mapOf(each)))
  const anonymous = requirements.some(each => Object.keys(mapOf(each)).length === 0)
  const [name] = names
  if (name === undefined) return 'none'
  if (names.length > 1) fail('only one security scheme per operation is understood')
  if (name === 'accessToken') return anonymous ? 'optionalAccessToken' : 'accessToken'
  if (ALWAYS_PROVEN.some(each => each === name) && !anonymous) return name as Authentication
  return fail(`unknown security ${JSON.stringify(requirements)}`)
}

export const parametersIn = (operation: JsonMap, place: 'query' | 'path'): JsonMap[] =>
  (Array.isArray(operation.parameters) ? operation.parameters : [])
    .map(mapOf)
    .filter(each => each.in === place)

const defaultOf = (parameter: JsonMap): [string, string | number | boolean] => {
  const value = mapOf(parameter.schema).default
  if (typeof value === 'object') throw new Error(`${parameter.name}: a default must be a scalar`)
  return [String(parameter.name), value as string | number | boolean]
}

const coercions = (parameters: readonly JsonMap[]): Record<string, Coercion> =>
  Object.fromEntries(parameters.map(each => [String(each.name), coercionOf(each)]))

const coercionOf = (parameter: JsonMap): Coercion => {
  const schema = mapOf(parameter.schema)
  if (schema.type === 'array' || Array.isArray(schema.oneOf)) return 'strings'
  return schema.type === 'integer' || schema.type === 'number' || schema.type === 'boolean'
    ? schema.type
    : parameter.required === true
      ? 'string'
      : 'optionalString'
}

/** What validation needs of an operation; a place without demands is left out. */
export const requestSchemas = (ours: OurOperation, documents: OurDocuments): JsonMap => {
  const schemas: JsonMap = {}
  for (const place of ['path', 'query'] as const) {
    const parameters = parametersIn(ours.operation, place)
    const schema = parametersSchema(parameters)
    if (isDemanding(schema, place)) schemas[place] = lean(inlineComponents(schema, documents.components))
  }
  const body = mapOf(mapOf(mapOf(mapOf(ours.operation.requestBody).content)['application/json']).schema)
  if (Object.keys(body).length > 0) schemas.body = lean(inlineComponents(body, documents.components))
  return schemas
}

/** The parameters of one place as an object schema. */
export const parametersSchema = (parameters: readonly JsonMap[]): JsonMap => {
  const required = parameters.filter(each => each.required === true).map(each => String(each.name))
  return {
    type: 'object',
    properties: Object.fromEntries(parameters.map(each => [String(each.name), each.schema ?? {}])),
    ...(required.length > 0 ? { required } : {}),
  }
}

/** Coercion has proved the types: only what must be there, and demands beyond the type, need validation. */
const isDemanding = (schema: JsonMap, place: 'path' | 'query'): boolean =>
  (place === 'query' && schema.required !== undefined) ||
  Object.values(mapOf(schema.properties)).some(each =>
    Object.keys(mapOf(lean(each))).some(key => key !== 'type'),
  )

const IGNORED_BY_VALIDATION = ['format', 'default', 'deprecated', 'description']

/** Without what validation does not read, and members called like that kept. */
const lean = (schema: Json, isNameMap = false): Json => {
  if (Array.isArray(schema)) return schema.map(each => lean(each))
  if (!isMap(schema)) return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => isNameMap || !IGNORED_BY_VALIDATION.includes(key))
      .map(([key, value]) => [
        key,
        lean(value, !isNameMap && (key === 'properties' || key === 'patternProperties')),
      ]),
  )
}
