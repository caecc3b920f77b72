import createTable from 'find-my-way'
import { MatrixError } from '../core/errors.ts'
import { METHODS, type Method, type Operation } from '../spec/operation.ts'
import type { Endpoint } from './endpoint.ts'

export interface Route {
  readonly operation: Operation
  readonly endpoint: Endpoint
}

export interface Match extends Route {
  /** Decoded path parameters. */
  readonly path: Readonly<Record<string, string | undefined>>
  /** What follows the `?`. */
  readonly queryString: string
}

export interface RouteTable {
  /**
   * The operation that answers a request; `HEAD` is answered as `GET`. `undefined` for paths that no operation has.
   * Throws `M_INVALID_PARAM` on broken percent-encoding and `M_UNRECOGNIZED` with 405 and `Allow` for paths that
   * only have other methods.
   */
  find(method: string, target: string): Match | undefined
}

/** Longer than any request target that the HTTP parser accepts: identifiers are judged by validation. */
const MAX_PARAMETER_LENGTH = 65_536

/** One radix table over all operations and their aliases. */
export const createRouteTable = (routes: readonly Route[]): RouteTable => {
  const table = createTable({
    maxParamLength: MAX_PARAMETER_LENGTH,
    // Handed through: the pipeline parses it once, and only where it is needed.
    querystringParser: text => ({ text }),
    // Asked for so that broken percent-encoding can be told from unknown paths: it is found without a route.
    onBadUrl: () => {},
  })
  for (const route of routes) {
    for (const path of route.operation.paths.flatMap(each => spellings(each, route.operation.mayBeEmpty))) {
      table.on(route.operation.method, path, () => {}, route)
    }
  }
  const lookup = (method: Method, target: string): Match | undefined => {
    const found = table.find(method, target)
    if (!found) return undefined
    const route = found.store as Route | null
    if (!route) throw new MatrixError('M_INVALID_PARAM', 'The path is not percent-encoded UTF-8')
    const { operation, endpoint } = route
    return { operation, endpoint, path: found.params, queryString: found.searchParams.text ?? '' }
  }
  return {
    find(method, target) {
      const wanted = method === 'HEAD' ? 'GET' : METHODS.find(each => each === method)
      const match = wanted && lookup(wanted, target)
      if (match) return match
      const allowed = METHODS.filter(each => each !== wanted && lookup(each, target))
      if (allowed.length === 0) return undefined
      throw new MatrixError('M_UNRECOGNIZED', `This endpoint does not know the method ${method}`, {
        status: 405,
        headers: { Allow: allowed.join(', ') },
      })
    },
  }
}

/** A path in the table's notation; also without its last parameter, with and without slash, where that may be empty. */
const spellings = (path: string, mayBeEmpty: string | undefined): string[] => {
  const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1')
  const short = mayBeEmpty === undefined ? pattern : pattern.replace(new RegExp(`/:${mayBeEmpty}$`), '')
  return short === pattern ? [pattern] : [pattern, short, `${short}/`]
}

/**
 * Pairs operations with their handlers. Throws, naming all of them, when an operation has no handler or a handler
 * no operation: a server that lacks an endpoint must not start.
 */
export const pairRoutes = (
  operations: Readonly<Record<string, Operation>>,
  endpoints: readonly Endpoint[],
): Route[] => {
  const handlers = new Map(endpoints.map(endpoint => [endpoint.operationId, endpoint]))
  const problems = [
    ...Object.keys(operations)
      .filter(id => !handlers.has(id))
      .map(id => `operation ${id} has no handler`),
    ...[...handlers.keys()].filter(id => !operations[id]).map(id => `handler ${id} has no operation`),
    ...(handlers.size < endpoints.length ? ['an operation has two handlers'] : []),
  ]
  if (problems.length > 0) throw new Error(`api-spec and src/api do not agree:\n${problems.join('\n')}`)
  return Object.values(operations).flatMap(operation => {
    const endpoint = handlers.get(operation.operationId)
    return endpoint ? [{ operation, endpoint }] : []
  })
}
