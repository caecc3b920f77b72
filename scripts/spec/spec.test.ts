import { existsSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import test from 'ava'
import type { Authentication } from '../../src/spec/operation.ts'
import schemas from '../../src/spec/schemas.json' with { type: 'json' }
import { officialResponseValidator } from '../../src/test-kit/responses.ts'
import { compare, loadNotYet } from './coverage.ts'
import { describe, requestSchemas } from './describe.ts'
import { generate } from './generate.ts'
import { inlineComponents, loadOurDocuments, type OurDocuments, type OurOperation } from './load.ts'
import {
  AREAS,
  type JsonMap,
  type OfficialOperation,
  officialOperations,
  officialPresent,
} from './official.ts'
import { officialResponses, ourResponses } from './response-schemas.ts'
import { typeOf } from './typescript.ts'

const withOfficial = officialPresent() ? test : test.skip

test('what is generated from api-spec is fresh: run `npm run spec`', t => {
  for (const [file, source] of generate()) {
    const path = new URL(`../../src/${file}`, import.meta.url)
    t.is(existsSync(path) ? readFileSync(path, 'utf8') : undefined, source, `src/${file} is stale`)
  }
})

test('all schemas are schemas, so that no validator has to ask', t => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const requests = Object.entries(schemas).flatMap(([id, places]) =>
    Object.entries(places).map(([place, schema]) => [`${id} ${place}`, schema as object] as const),
  )
  const all = officialPresent() ? [...ourResponses(), ...officialResponses()] : ourResponses()
  const responses = all.flatMap(({ method, path, responses }) =>
    Object.entries(responses).flatMap(([status, schema]) =>
      schema === null ? [] : [[`${method} ${path} ${status}`, JSON.parse(schema) as object] as const],
    ),
  )
  t.true(requests.length > 100 && responses.length > 100)
  for (const [name, schema] of [...requests, ...responses]) {
    if (!ajv.validateSchema(schema)) t.fail(`${name}: ${ajv.errorsText()}`)
  }
})

test('no name in a request leaves what stands under it unchecked, as `patternProperties` would', t => {
  const unchecked = Object.entries(schemas).flatMap(([id, places]) =>
    JSON.stringify(places).includes('"patternProperties"') ? [id] : [],
  )
  t.deepEqual(unchecked, [])
})

withOfficial('every official operation is served, or has a reason in api-spec/not-yet.yaml', t => {
  const { missing, stale } = compare(
    AREAS.flatMap(officialOperations),
    loadOurDocuments().operations,
    loadNotYet(),
  )
  t.deepEqual(missing, [], 'operations that are missing without a reason')
  t.deepEqual(stale, [], 'reasons that no longer hold')
})

const operation = (changes: JsonMap): OurOperation => ({
  area: 'client-server',
  file: 'client-server/x.yaml',
  method: 'post',
  path: '/a/{b}',
  operation: { operationId: 'op', security: [], 'x-rate-limit': 'write', responses: {}, ...changes },
})

const documentsOf = (
  operations: readonly OurOperation[],
  components: Record<string, JsonMap> = {},
): OurDocuments => ({
  operations,
  components: new Map(Object.entries(components)),
  responses: {},
})

test('coverage compares methods and paths, aliases included, and not the names of parameters', t => {
  const official = (operationId: string, method: string, path: string): OfficialOperation =>
    ({ area: 'client-server', file: 'x.yaml', operationId, method, path }) as OfficialOperation
  const ours = [operation({ 'x-aliases': ['/old/{c}'] })]
  const all = [
    official('a', 'post', '/a/{x}'),
    official('b', 'get', '/a/{x}'),
    official('c', 'post', '/old/{y}'),
  ]
  const line = 'client-server/x.yaml: b GET /a/{x}'
  t.like(compare(all, ours, {}), { total: 3, served: 2, missing: [line], stale: [] })
  const reasons = { 'client-server/x.yaml': { b: 'later', a: 'never' } }
  t.like(compare(all, ours, reasons), {
    missing: [],
    reasoned: [`${line} (later)`],
    stale: ['client-server/x.yaml: a'],
  })
})

test('a row of the table follows from security, body and extensions', t => {
  const json = {
    requestBody: { required: true, content: { 'application/json': { schema: { type: 'object' } } } },
  }
  t.like(describe(operation({ ...json, 'x-aliases': ['/old/{b}'], 'x-body-limit': 10 })), {
    method: 'POST',
    paths: ['/a/{b}', '/old/{b}'],
    authentication: 'none',
    body: 'json',
    bodyRequired: true,
    bodyLimit: 10,
    guest: 'refuse',
  })
  const securities: [JsonMap[], Authentication][] = [
    [[{ accessToken: [] }], 'accessToken'],
    [[{}, { accessToken: [] }], 'optionalAccessToken'],
    [[{ signedRequest: [] }], 'signedRequest'],
    [[{ appServiceToken: [] }], 'appServiceToken'],
  ]
  for (const [security, expected] of securities)
    t.is(describe(operation({ security })).authentication, expected)
  t.is(describe(operation({ requestBody: { content: { 'image/*': {} } } })).body, 'stream')
})

test('mistakes in api-spec are named with operation and document', t => {
  const mistakes: [JsonMap, RegExp][] = [
    [{ operationId: 'two words' }, /no identifier/],
    [{ 'x-rate-limit': 'none' }, /client-server\/x\.yaml: op: x-rate-limit names no bucket/],
    [{ 'x-geust': 'allow' }, /unknown extension x-geust/],
    [{ 'x-guest': 'maybe' }, /x-guest must be one of allow, refuse/],
    [{ security: [{ apiKey: [] }] }, /unknown security/],
    [{ security: [{ accessToken: [] }, { signedRequest: [] }] }, /only one security scheme/],
    [{ 'x-body-limit': '10' }, /no number/],
  ]
  for (const [changes, message] of mistakes) t.throws(() => describe(operation(changes)), { message })
  const twins = [operation({}), { ...operation({ operationId: 'other' }), path: '/a/{c}' }]
  t.throws(() => generate(documentsOf(twins)), { message: /^POST \/a\/\{\} is op in .* and other in/ })
  t.throws(() => generate(documentsOf([operation({}), operation({})])), {
    message: /^operationId op is op in/,
  })
})

test('validation gets what it needs: demands beyond types, components in place, no annotations', t => {
  const ours = operation({
    parameters: [
      { in: 'path', name: 'b', required: true, schema: { type: 'string' } },
      { in: 'query', name: 'n', schema: { type: 'integer', minimum: 1, default: 5 } },
    ],
    requestBody: { content: { 'application/json': { schema: { $ref: '../components/Thing.yaml' } } } },
  })
  const Thing = { type: 'object', properties: { format: { type: 'string', format: 'uri' } } }
  t.deepEqual(requestSchemas(ours, documentsOf([ours], { Thing })), {
    query: { type: 'object', properties: { n: { type: 'integer', minimum: 1 } } },
    body: { type: 'object', properties: { format: { type: 'string' } } },
  })
  t.like(describe(ours), { query: { n: 'integer' }, queryDefaults: { n: 5 }, path: { b: 'string' } })
  t.throws(() => inlineComponents({ $ref: './A.yaml' }, new Map([['A', { items: { $ref: './A.yaml' } }]])), {
    message: 'component A contains itself',
  })
})

test('types of schemas', t => {
  const object = {
    type: 'object',
    properties: { a: { type: 'string' }, 'm.b': { type: 'integer' } },
    required: ['a'],
  }
  t.is(typeOf(object, 'request'), '{ readonly a: string; readonly "m.b"?: number }')
  t.is(typeOf(object, 'response'), '{ readonly a: string; readonly "m.b"?: number | undefined }')
  t.is(
    typeOf({ ...object, additionalProperties: {} }, 'request'),
    `${typeOf(object, 'request')} & JsonObject`,
  )
  t.is(typeOf({ type: 'object' }, 'request'), 'JsonObject')
  t.is(
    typeOf({ type: 'object', additionalProperties: { type: 'boolean' } }, 'request'),
    'Readonly<Record<string, boolean>>',
  )
  t.is(typeOf({ type: 'array', items: { enum: ['a', 'b'] } }, 'request'), 'readonly ("a" | "b")[]')
  t.is(
    typeOf({ oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }, 'request'),
    'string | readonly string[]',
  )
  t.is(typeOf({ type: ['string', 'null'] }, 'request'), 'string | null')
  t.is(typeOf({ $ref: '../components/Thing.yaml' }, 'request'), 'ThingRequest')
  t.is(typeOf({}, 'response'), 'JsonValue')
})

withOfficial(
  'responses are judged by the official schemas, on every prefix and by the most specific path',
  t => {
    const { check } = officialResponseValidator()
    t.deepEqual(check('GET', '/_matrix/client/v3/sync', 200, { next_batch: 's1' }), [])
    t.deepEqual(check('GET', '/_matrix/client/r0/sync?since=s1', 200, {}), [
      "the body must have required property 'next_batch'",
    ])
    t.deepEqual(check('GET', '/_matrix/client/v3/sync', 200, { next_batch: 1 }), [
      '/next_batch must be string',
    ])
    t.deepEqual(
      check('GET', '/_matrix/federation/v1/query/directory', 200, { room_id: '!a', servers: [] }),
      [],
    )
    t.is(check('GET', '/_matrix/federation/v1/query/directory', 200, {}).length, 2)
    t.deepEqual(
      check('PUT', '/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}', 200, { event_id: '$a' }),
      [],
    )
    t.is(check('PUT', '/_matrix/client/v3/rooms/!a/send/m/1', 200, { event_id: 'a' }).length, 1)
  },
)

test('failures are judged too: codes and sentences are always there, but for interactive authentication', t => {
  const { check } = officialResponseValidator()
  t.deepEqual(check('GET', '/_matrix/nothing', 404, { errcode: 'M_UNRECOGNIZED', error: 'No' }), [])
  t.is(check('GET', '/_matrix/nothing', 404, { errcode: 'M_UNRECOGNIZED' }).length, 1)
  t.is(check('GET', '/_matrix/nothing', 404, '<html>').length, 1)
})
