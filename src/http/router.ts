import createTable from 'find-my-way'
import { MatrixError } from '../core/errors.ts'
import { METHODS, type Method, type Operation } from '../spec/operation.ts'
import type { Endpoint } from './endpoint.ts'

export interface Match {
  readonly operation: Operation
  readonly endpoint: Endpoint
  /** Decoded path parameters. */
  readonly path: Readonly<Record<string, string | undefined>>
  /** What follows the `?`. */
  readonly queryString: string
}

export type IsServed = (operation: Operation) => boolean

export interface RouteTable {
  /**
   * The operation that answers a request; `HEAD` is answered as `GET`. `undefined` for paths that no operation has.
   * Throws `M_INVALID_PARAM` on broken percent-encoding and `M_UNRECOGNIZED` with 405 and `Allow` for paths that
   * only have other methods.
   *
   * @param isServed which of the operations there are for whoever asks; by default all
   */
  find(method: string, target: string, isServed?: IsServed): Match | undefined
}

/** Longer than any request target that the HTTP parser accepts: identifiers are judged by validation. */
const MAX_PARAMETER_LENGTH = 65_536

type Operations = Readonly<Record<string, Operation>>

/**
 * Who answers what: operations and their handlers, under all paths of the operations. Throws, naming all of them, when an
 * operation has no handler or a handler no operation: a server that lacks an endpoint must not start.
 */
export const createRouteTable = (operations: Operations, endpoints: readonly Endpoint[]): RouteTable => {
  const handlers = pair(operations, endpoints)
  const table = tables.get(operations) ?? tableOf(operations)
  tables.set(operations, table)
  const lookup = (method: Method, target: string, isServed: IsServed): Match | undefined => {
    const found = table.find(method, target)
    if (!found) return undefined
    const operation = found.store as Operation | null
    if (operation && !isServed(operation)) return undefined
    const endpoint = operation && handlers.get(operation.operationId)
    if (!endpoint) throw new MatrixError('M_INVALID_PARAM', 'The path is not percent-encoded UTF-8')
    return { operation, endpoint, path: found.params, queryString: found.searchParams.text ?? '' }
  }
  return {
    find(method, target, isServed = () => true) {
      const wanted = method === 'HEAD' ? 'GET' : METHODS.find(each => each === method)
      const match = wanted && lookup(wanted, target, isServed)
      if (match) return match
      const allowed = METHODS.filter(each => each !== wanted && lookup(each, target, isServed))
      if (allowed.length === 0) return undefined
      throw methodNotAllowed(method, allowed)
    },
  }
}

/** Refuses a method that a known path does not have. */
export const methodNotAllowed = (method: string, allowed: readonly string[]): MatrixError =>
  new MatrixError('M_UNRECOGNIZED', `This endpoint does not know the method ${method}`, {
    status: 405,
    headers: { Allow: allowed.join(', ') },
  })

type Table = ReturnType<typeof createTable>

/** Of one set of operations there is one table in a process, however many servers it has. */
const tables = new WeakMap<Operations, Table>()

/** One radix table over all operations and their aliases. */
const tableOf = (operations: Operations): Table => {
  const table = createTable({
    maxParamLength: MAX_PARAMETER_LENGTH,
    // Handed through: the pipeline parses it once, and only where it is needed.
    querystringParser: text => ({ text }),
    // Asked for so that broken percent-encoding can be told from unknown paths: it is found without a route.
    onBadUrl: () => {},
  })
  for (const operation of Object.values(operations)) {
    for (const path of operation.paths.flatMap(each => spellings(each, operation.mayBeEmpty))) {
      table.on(operation.method, path, () => {}, operation)
    }
  }
  return table
}

/** A path in the table's notation; also without its last parameter, with and without slash, where that may be empty. */
const spellings = (path: string, mayBeEmpty: string | undefined): string[] => {
  const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1')
  const short = mayBeEmpty === undefined ? pattern : pattern.replace(new RegExp(`/:${mayBeEmpty}$`), '')
  return short === pattern ? [pattern] : [pattern, short, `${short}/`]
}

/** The handlers by operation. */
const pair = (operations: Operations, endpoints: readonly Endpoint[]): ReadonlyMap<string, Endpoint> => {
  const handlers = new Map(endpoints.map(endpoint => [endpoint.operationId, endpoint]))
  const problems = [
    ...Object.keys(operations)
      .filter(id => !handlers.has(id))
      .map(id => `operation ${id} has no handler`),
    ...[...handlers.keys()].filter(id => !operations[id]).map(id => `handler ${id} has no operation`),
    ...(handlers.size < endpoints.length ? ['an operation has two handlers'] : []),
  ]
  if (problems.length > 0) throw new Error(`api-spec and src/api do not agree:\n${problems.join('\n')}`)
  return handlers
}
