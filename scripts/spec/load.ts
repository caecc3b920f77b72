/** Reads `api-spec`: every operation of every document, with references to components kept by name. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { isMap, type Json, type JsonMap, mapOf } from './official.ts'

export const SPEC_ROOT = new URL('../../api-spec/', import.meta.url)

/** The folders of `api-spec` that hold operations; `components` holds what they share. */
const AREAS = ['client-server', 'server-server', 'application-service', 'tessera', 'admin'] as const

export interface OurOperation {
  readonly area: string
  /** `client-server/sync.yaml`, for messages. */
  readonly file: string
  readonly method: string
  readonly path: string
  readonly operation: JsonMap
}

export interface OurDocuments {
  readonly operations: readonly OurOperation[]
  /** Component schemas by name (file name without `.yaml`), in order of their names. */
  readonly components: ReadonlyMap<string, JsonMap>
  /** Shared responses by name. */
  readonly responses: JsonMap
}

/** Reads everything under `root`. Throws on YAML errors, naming the file. */
export const loadOurDocuments = (root: URL = SPEC_ROOT): OurDocuments => {
  const operations: OurOperation[] = []
  for (const area of AREAS) {
    for (const name of yamlFiles(new URL(`${area}/`, root))) {
      const file = `${area}/${name}`
      const document = readYaml(new URL(file, root))
      for (const [path, item] of Object.entries(mapOf(document.paths))) {
        for (const [method, operation] of Object.entries(mapOf(item))) {
          if (isMap(operation)) operations.push({ area, file, method, path, operation })
        }
      }
    }
  }
  const components = new Map<string, JsonMap>()
  for (const name of yamlFiles(new URL('components/', root))) {
    if (name === 'responses.yaml') continue
    components.set(name.replace(/\.yaml$/, ''), readYaml(new URL(`components/${name}`, root)))
  }
  const responses = new URL('components/responses.yaml', root)
  return { operations, components, responses: existsSync(responses) ? readYaml(responses) : {} }
}

const yamlFiles = (directory: URL): string[] =>
  existsSync(directory)
    ? readdirSync(directory)
        .filter(name => name.endsWith('.yaml'))
        .sort()
    : []

const readYaml = (url: URL): JsonMap => {
  const document = parseDocument(readFileSync(url, 'utf8'))
  const [problem] = document.errors
  if (problem) throw new Error(`${url.pathname}: ${problem.message}`)
  return mapOf(document.toJS())
}

/** The component that a reference such as `../components/ClientEvent.yaml` names. */
export const componentNamed = (reference: string): string => {
  const name = /([^/]+)\.yaml$/.exec(reference)?.[1]
  if (!name) throw new Error(`${reference} does not name a component`)
  return name
}

/** The schema with all components put in place. Throws when a component is missing or contains itself. */
export const inlineComponents = (
  schema: Json | undefined,
  components: ReadonlyMap<string, JsonMap>,
  trail: readonly string[] = [],
): Json => {
  if (Array.isArray(schema)) return schema.map(each => inlineComponents(each, components, trail))
  if (!isMap(schema)) return schema ?? {}
  if (typeof schema.$ref === 'string') {
    const name = componentNamed(schema.$ref)
    const component = components.get(name)
    if (!component) throw new Error(`no component ${name}`)
    if (trail.includes(name)) throw new Error(`component ${name} contains itself`)
    return inlineComponents(component, components, [...trail, name])
  }
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, inlineComponents(value, components, trail)]),
  )
}
