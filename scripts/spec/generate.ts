/**
 * `npm run spec`: writes `src/spec/operations.ts`, `src/spec/types.ts`, `src/spec/schemas.json` and
 * `src/api/index.ts` from `api-spec` and the files under `src/api`. The output is committed; a test proves it fresh.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { keyOf } from './coverage.ts'
import { describe, parametersIn, parametersSchema, requestSchemas } from './describe.ts'
import { loadOurDocuments, type OurDocuments, type OurOperation } from './load.ts'
import { type JsonMap, mapOf } from './official.ts'
import { suffix, typeOf } from './typescript.ts'

const SOURCE_ROOT = new URL('../../src/', import.meta.url)
const HEADER = '// Generated from api-spec by `npm run spec`. Do not edit.\n'

const idOf = (ours: OurOperation): string => String(ours.operation.operationId)

const sorted = (documents: OurDocuments): OurOperation[] => {
  const operations = [...documents.operations].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
  const seen = new Map<string, OurOperation>()
  for (const each of operations) {
    const { method, paths } = describe(each)
    for (const key of [`operationId ${idOf(each)}`, ...paths.map(path => keyOf(method, path))]) {
      const other = seen.get(key)
      if (other)
        throw new Error(`${key} is ${idOf(other)} in ${other.file} and ${idOf(each)} in ${each.file}`)
      seen.set(key, each)
    }
  }
  return operations
}

const operationsSource = (documents: OurDocuments): string => {
  const rows = sorted(documents).map(each => `  ${idOf(each)}: ${JSON.stringify(describe(each))},\n`)
  return `${HEADER}import type { Operation } from './operation.ts'\n\nexport const operations = {\n${rows.join('')}} as const satisfies Record<string, Operation>\n\nexport type OperationId = keyof typeof operations\n`
}

/** The type of the successful JSON response; `never` where there is none, so that the handler must `reply`. */
const responseType = (operation: JsonMap): string => {
  const types: string[] = []
  for (const [status, response] of Object.entries(mapOf(operation.responses))) {
    const json = mapOf(mapOf(mapOf(response).content)['application/json'])
    if (/^2/.test(status) && json.schema !== undefined) types.push(typeOf(json.schema, 'response'))
  }
  return [...new Set(types)].join(' | ') || 'never'
}

const queryType = (operation: JsonMap): string => {
  const parameters = parametersIn(operation, 'query').map(each =>
    // A default makes the value certain to be there.
    mapOf(each.schema).default === undefined ? each : { ...each, required: true },
  )
  return parameters.length > 0 ? typeOf(parametersSchema(parameters), 'request') : 'NoMembers'
}

const bodyType = (operation: JsonMap): string => {
  const content = mapOf(mapOf(operation.requestBody).content)
  if (Object.keys(content).length === 0) return 'undefined'
  if (!('application/json' in content)) return 'AsyncIterable<Uint8Array>'
  return typeOf(mapOf(content['application/json']).schema, 'request')
}

const operationType = (ours: OurOperation): string => {
  const path = parametersSchema(parametersIn(ours.operation, 'path'))
  return [
    `  ${idOf(ours)}: {`,
    `    authentication: '${describe(ours).authentication}'`,
    `    path: ${Object.keys(mapOf(path.properties)).length > 0 ? typeOf(path, 'request') : 'NoMembers'}`,
    `    query: ${queryType(ours.operation)}`,
    `    body: ${bodyType(ours.operation)}`,
    `    response: ${responseType(ours.operation)}`,
    '  }',
  ].join('\n')
}

const typesSource = (documents: OurDocuments): string => {
  const components = [...documents.components].flatMap(([name, schema]) =>
    (['response', 'request'] as const).map(
      direction => `export type ${name}${suffix(direction)} = ${typeOf(schema, direction)}`,
    ),
  )
  return [
    `${HEADER}import type { JsonObject, JsonValue } from '../core/json.ts'\n`,
    'export type { JsonObject, JsonValue }',
    'export type NoMembers = Readonly<Record<never, never>>\n',
    ...components,
    '',
    'export interface Operations {',
    ...sorted(documents).map(operationType),
    '}\n',
  ].join('\n')
}

const schemasSource = (documents: OurDocuments): string => {
  const rows = sorted(documents).map(
    each => `${JSON.stringify(idOf(each))}:${JSON.stringify(requestSchemas(each, documents))}`,
  )
  return `{\n${rows.join(',\n')}\n}\n`
}

/** All endpoint modules: a file under `src/api/<area>/` holds the operation that it is named after. */
const endpointsSource = (): string => {
  const files = readdirSync(new URL('api/', SOURCE_ROOT), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .flatMap(({ name: area }) =>
      readdirSync(new URL(`api/${area}/`, SOURCE_ROOT))
        .filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
        .map(file => ({ id: file.replace(/\.ts$/, ''), path: `./${area}/${file}` })),
    )
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  const imports = files.map(({ id, path }) => `import { ${id} } from '${path}'\n`)
  const list = files.map(({ id }) => `  ${id},\n`)
  return `${HEADER}import type { Endpoint } from '../http/endpoint.ts'\n${imports.join('')}\nexport const endpoints: readonly Endpoint[] = [\n${list.join('')}]\n`
}

/** The generated files by their place under `src/`. Equal input gives equal bytes. */
export const generate = (documents: OurDocuments = loadOurDocuments()): ReadonlyMap<string, string> =>
  new Map([
    ['spec/operations.ts', operationsSource(documents)],
    ['spec/types.ts', typesSource(documents)],
    ['spec/schemas.json', schemasSource(documents)],
    ['api/index.ts', endpointsSource()],
  ])

if (import.meta.main) {
  const files = generate()
  for (const [file, source] of files) writeFileSync(new URL(file, SOURCE_ROOT), source)
  console.log(`wrote ${[...files.keys()].map(file => `src/${file}`).join(', ')}`)
}
