import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

/**
 * Who may import whom (docs/architecture.md). The import statements are read as text: quick, and nothing to install.
 */
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

type Layer =
  | 'core'
  | 'spec'
  | 'storage'
  | 'network'
  | 'services'
  | 'http'
  | 'api'
  | 'config'
  | 'cli'
  | 'root'
  | 'migrations'

/** For each layer: what it may import as values, and what only as types. */
const ALLOWED: Record<Layer, { values: readonly Layer[]; types?: readonly Layer[] }> = {
  core: { values: ['core'] },
  spec: { values: ['spec'], types: ['core'] },
  migrations: { values: ['migrations'] },
  storage: { values: ['core', 'storage', 'migrations'], types: ['spec'] },
  network: { values: ['core', 'network'], types: ['spec'] },
  services: { values: ['core', 'storage', 'network', 'services'], types: ['spec'] },
  http: { values: ['core', 'spec', 'http'], types: ['services'] },
  api: { values: ['core', 'spec', 'services', 'http', 'api'] },
  config: { values: ['core', 'config'], types: ['services'] },
  cli: { values: ['core', 'spec', 'storage', 'network', 'services', 'http', 'config', 'cli', 'root'] },
  root: {
    values: ['core', 'spec', 'storage', 'network', 'services', 'http', 'api', 'config', 'cli', 'root'],
  },
}

/** What `api` may take from `core`: the rest of the protocol reaches it through services. */
const API_MAY_TAKE_FROM_CORE = ['src/core/ids.ts', 'src/core/errors.ts', 'src/core/json.ts']

/** Packages that have one home. */
const HOMES: Record<string, readonly string[]> = {
  koa: ['src/http/'],
  '@koa/router': ['src/http/'],
  'find-my-way': ['src/http/'],
  knex: ['src/storage/', 'migrations/'],
  'better-sqlite3': ['src/storage/'],
  pg: ['src/storage/'],
  undici: ['src/network/'],
  nodemailer: ['src/network/'],
  oauth4webapi: ['src/network/'],
  jose: ['src/network/'],
  ajv: ['src/http/', 'src/config/'],
  bcryptjs: ['src/services/accounts/'],
  sharp: ['src/services/media/'],
  rolldown: ['scripts/'],
}

interface Import {
  readonly from: string
  readonly specifier: string
  readonly typeOnly: boolean
}

const sources = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .filter(path => !path.startsWith('src/test-kit/'))

const importsOf = (path: string): Import[] => {
  const text = readFileSync(join(root, path), 'utf8')
  const statement = /^(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm
  const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
  return [
    ...[...text.matchAll(statement)].map(match => ({
      from: path,
      specifier: match[2] ?? '',
      typeOnly: match[1] !== undefined,
    })),
    ...[...text.matchAll(dynamic)].map(match => ({ from: path, specifier: match[1] ?? '', typeOnly: false })),
  ]
}

const layerOf = (path: string): Layer => {
  if (path.startsWith('migrations/')) return 'migrations'
  const [, folder = '', rest] = path.split('/')
  return rest === undefined || !(folder in ALLOWED) ? 'root' : (folder as Layer)
}

const targetOf = ({ from, specifier }: Import): string | undefined =>
  specifier.startsWith('.') ? relative(root, resolve(root, dirname(from), specifier)) : undefined

const all = [...sources('src'), ...sources('migrations')].flatMap(importsOf)

test('layers import only what they may', t => {
  t.true(all.length > 50, 'the imports were found at all')
  const violations = all.flatMap(statement => {
    const target = targetOf(statement)
    if (target === undefined) return []
    const [layer, other] = [layerOf(statement.from), layerOf(target)]
    const { values, types = [] } = ALLOWED[layer]
    const allowed = values.includes(other) || (statement.typeOnly && types.includes(other))
    const apiReachesIn =
      layer === 'api' && other === 'core' && !statement.typeOnly && !API_MAY_TAKE_FROM_CORE.includes(target)
    return allowed && !apiReachesIn ? [] : [`${statement.from} imports ${target}`]
  })
  t.deepEqual(violations, [])
})

test('packages with a home are imported nowhere else', t => {
  const violations = all.flatMap(({ from, specifier, typeOnly }) => {
    const homes =
      HOMES[
        specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/')
      ]
    if (homes === undefined || typeOnly || homes.some(home => from.startsWith(home))) return []
    return [`${from} imports ${specifier}`]
  })
  t.deepEqual(violations, [])
})

test('HTTP of Node is not imported, but asked for where it is needed', t => {
  // An import statement reads all that the module offers; its WebSocket among it brings in `fetch` and HTTP/2: 6 MB at rest.
  const violations = all.filter(({ specifier, typeOnly }) => /^(node:)?http2?$/.test(specifier) && !typeOnly)
  t.deepEqual(violations, [])
})

test('no import cycles', t => {
  const edges = Map.groupBy(
    all.filter(statement => !statement.typeOnly),
    statement => statement.from,
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      return
    }
    if (done.has(path)) return
    for (const statement of edges.get(path) ?? []) {
      const target = targetOf(statement)
      if (target !== undefined) visit(target, [...trail, path])
    }
    done.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  t.deepEqual(cycles, [])
})
