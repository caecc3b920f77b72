/** Shared definitions, written to `api-spec/components/` when an operation that needs them is seeded. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Document, isCollection, isPair, isScalar, isSeq, type Node, visit, type YAMLMap } from 'yaml'
import { SPEC_ROOT } from './load.ts'
import { followReference, isMap, type JsonMap, mapOf } from './official.ts'
import { type ComponentOf, simplifySchema } from './simplify.ts'

export const YAML_STYLE = { lineWidth: 110, flowCollectionPadding: true, minContentWidth: 0 } as const

/** Better names for definitions whose files are called too generally. */
const NAMES: Readonly<Record<string, string>> = {
  Full: 'DiscoveryInformation',
  Homeserver: 'HomeserverInformation',
  IdentityServer: 'IdentityServerInformation',
  Keys: 'ServerKeys',
  Location: 'ThirdPartyLocation',
  LocationBatch: 'ThirdPartyLocations',
  OpenidToken: 'OpenIdToken',
  Protocol: 'ThirdPartyProtocol',
  SyncFilter: 'Filter',
  UnsignedProp: 'UnsignedData',
  User: 'ThirdPartyUser',
  UserBatch: 'ThirdPartyUsers',
}

const nameOf = (url: URL): string => {
  const file = /([^/]+)\.ya?ml$/.exec(url.pathname)?.[1] ?? ''
  const name = file.replace(/(?:^|[._-])([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  return NAMES[name] ?? name
}

/**
 * The reference to the component of an official definition; the component is written on first use, headed by where
 * it came from. Throws when two definitions would share a name.
 */
export const writeComponent: ComponentOf = (url, value) => {
  const only = onlyReference(value, url)
  if (only) return writeComponent(only.url, only.value)
  const name = nameOf(url)
  const file = new URL(`components/${name}.yaml`, SPEC_ROOT)
  const header = `# ${url.pathname.split('/data/')[1]}\n`
  if (!existsSync(file)) {
    const schema = simplifySchema(value, url, (inner, innerValue) =>
      writeComponent(inner, innerValue)?.replace('../components/', './'),
    )
    writeFileSync(file, header + parseDocumentOf(schema).toString(YAML_STYLE))
  } else if (!readFileSync(file, 'utf8').startsWith(header)) {
    throw new Error(
      `the component ${name} is not from ${header.slice(2).trim()}: give one of them another name`,
    )
  }
  return `../components/${name}.yaml`
}

/** The definition that this one merely wraps (an `allOf` with prose and examples beside it), if it does. */
const onlyReference = (value: JsonMap, url: URL): { url: URL; value: JsonMap } | undefined => {
  const parts = (Array.isArray(value.allOf) ? value.allOf : []).filter(part =>
    Object.keys(simplifySchema(part, url, () => 'reference')).some(key => key !== 'type'),
  )
  const reference = parts.length === 1 && !isMap(value.properties) ? mapOf(parts[0]).$ref : undefined
  if (typeof reference !== 'string') return undefined
  const followed = followReference(reference, url)
  return followed.wholeFile ? { url: followed.url, value: mapOf(followed.value) } : undefined
}

export const parseDocumentOf = (value: JsonMap): Document => {
  const document = new Document(value)
  if (document.contents) compact(document.contents)
  return document
}

/** Writes small leaves on one line: `{ type: string }`, `[a, b]`. */
export const compact = (node: Node): Node => {
  visit(node, (_, each) => {
    if (!isCollection(each) || each.items.length === 0) return
    const leaf = each.items.every(item => {
      const value = isPair(item) ? item.value : item
      return isScalar(value) || (isCollection(value) && (value.items.length === 0 || isSeq(each)))
    })
    if (leaf && JSON.stringify(each).length < 90) (each as YAMLMap).flow = true
  })
  return node
}
