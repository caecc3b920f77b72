import type { IncomingMessage, ServerResponse } from 'node:http'
import Koa from 'koa'
import { MatrixError } from '../core/errors.ts'
import { CORS_HEADERS } from './cors.ts'
import type { HttpLog } from './errors.ts'
import type { PageFacts, Pages } from './pages.ts'
import { methodNotAllowed } from './router.ts'

/** Answers with a page. Throws where there is none, and what goes wrong with it. */
export type ServePage = (request: IncomingMessage, response: ServerResponse) => Promise<undefined>

/** Where there are none. */
export const noPage: ServePage = async () => {
  throw new MatrixError('M_UNRECOGNIZED', 'There is no such endpoint')
}

/** Has koa answer with pages. */
export const servePages = (
  pages: Pages,
  factsOf: (request: IncomingMessage) => PageFacts,
  log: HttpLog,
): ServePage => {
  const app = new Koa()
  app.on('error', error => log.error({ err: error }, 'a page failed'))
  const outcomes = new WeakMap<IncomingMessage, unknown>()
  app.use(async (context, next) => {
    context.set(CORS_HEADERS)
    context.state['facts'] = factsOf(context.req)
    try {
      await next()
      if (context.status !== 404 || context.body) return
      outcomes.set(context.req, notServed(context))
    } catch (error) {
      outcomes.set(context.req, error)
    }
    context.respond = false
  })
  app.use(pages.routes())
  const callback = app.callback()
  return async (request, response) => {
    await callback(request, response)
    const failure = outcomes.get(request)
    if (failure !== undefined) throw failure
    return undefined
  }
}

/**
 * What is answered where no page has. Of the endpoints of Matrix some are pages: "405 … if the endpoint is implemented, but the
 * incorrect HTTP method is used".
 */
const notServed = ({ method, path, matched }: Koa.Context): MatrixError => {
  const layers = (matched ?? []) as readonly { readonly methods: readonly string[] }[]
  const allowed = [...new Set(layers.flatMap(({ methods }) => methods))]
  const isKnown = path.startsWith('/_matrix/') && allowed.length > 0 && !allowed.includes(method)
  if (!isKnown) return new MatrixError('M_UNRECOGNIZED', 'There is no such page')
  return methodNotAllowed(method, allowed)
}
