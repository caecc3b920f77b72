/**
 * `npm run coverage:spec`: which official operations our documents hold, and which not. Fails when an operation is
 * missing that `api-spec/not-yet.yaml` gives no reason for, or when that list names one that is served.
 */
import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { loadOurDocuments, type OurDocuments, SPEC_ROOT } from './load.ts'
import { AREAS, mapOf, type OfficialOperation, officialOperations, officialPresent } from './official.ts'

/** Official file (`client-server/sync.yaml`) → operation ID → why it is not served. */
export type NotYet = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface Coverage {
  readonly total: number
  readonly served: number
  /** Missing and listed with a reason, as `file: id METHOD path (reason)`. */
  readonly reasoned: readonly string[]
  /** Missing without a reason. */
  readonly missing: readonly string[]
  /** Listed, but served or unknown to the official documents. */
  readonly stale: readonly string[]
}

export const NOT_YET_FILE = new URL('not-yet.yaml', SPEC_ROOT)

export const loadNotYet = (): NotYet =>
  existsSync(NOT_YET_FILE) ? (mapOf(parse(readFileSync(NOT_YET_FILE, 'utf8'))) as NotYet) : {}

/** Operations are the same when method and path are, whatever parameters are called. */
export const keyOf = (method: string, path: string): string =>
  `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '{}')}`

/** Compares; pure over what it is given. */
export const compare = (
  official: readonly OfficialOperation[],
  ours: OurDocuments['operations'],
  notYet: NotYet,
): Coverage => {
  const served = new Set(
    ours.flatMap(({ method, path, operation }) => {
      const aliases = Array.isArray(operation['x-aliases']) ? operation['x-aliases'].map(String) : []
      return [path, ...aliases].map(each => keyOf(method, each))
    }),
  )
  const reasoned: string[] = []
  const missing: string[] = []
  const pending = new Set<string>()
  let count = 0
  for (const each of official) {
    if (served.has(keyOf(each.method, each.path))) {
      count++
      continue
    }
    const file = `${each.area}/${each.file}`
    const reason = notYet[file]?.[each.operationId]
    const line = `${file}: ${each.operationId} ${each.method.toUpperCase()} ${each.path}`
    pending.add(`${file}: ${each.operationId}`)
    if (reason) reasoned.push(`${line} (${reason})`)
    else missing.push(line)
  }
  const listed = Object.entries(notYet).flatMap(([file, ids]) =>
    Object.keys(mapOf(ids)).map(id => `${file}: ${id}`),
  )
  return {
    total: official.length,
    served: count,
    reasoned,
    missing,
    stale: listed.filter(each => !pending.has(each)),
  }
}

const byFile = (lines: readonly string[]): string[] => {
  const groups = Map.groupBy(lines, line => line.slice(0, line.indexOf(':')))
  return [...groups].map(
    ([file, group]) =>
      `${file} (${group.length})\n${group.map(line => `  ${line.slice(file.length + 2)}`).join('\n')}`,
  )
}

const print = (title: string, lines: readonly string[]): void => {
  if (lines.length > 0) console.log(`\n${title}: ${lines.length}\n${byFile(lines).join('\n')}`)
}

if (import.meta.main) {
  if (!officialPresent()) {
    console.error('the official documents (../shared/matrix-spec) are not here: nothing to compare with')
    process.exit(2)
  }
  const coverage = compare(AREAS.flatMap(officialOperations), loadOurDocuments().operations, loadNotYet())
  console.log(`${coverage.served} of ${coverage.total} official operations are served`)
  print('Not served, with a reason', coverage.reasoned)
  print('Not served, no reason given', coverage.missing)
  print('In api-spec/not-yet.yaml without need', coverage.stale)
  if (coverage.missing.length > 0 || coverage.stale.length > 0) process.exitCode = 1
}
