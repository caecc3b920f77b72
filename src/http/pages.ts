import Router, { type RouterContext } from '@koa/router'

export type Pages = Router
export type PageContext = RouterContext

/**
 * An empty router for what is no operation of an API: the landing and set-up pages, `/health`, `/metrics`. Given to
 * `createHttpApp`, which asks it for every path that no operation has.
 */
export const createPages = (): Pages => new Router({ sensitive: true, strict: true })
