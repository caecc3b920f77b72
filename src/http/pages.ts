import { createRequire } from 'node:module'
import type { Router, RouterContext } from '@koa/router'
import type { RateLimitBucket } from '../spec/operation.ts'

// Its module for import statements has one for `http` (see `listener.ts`).
const router = createRequire(import.meta.url)('@koa/router') as typeof import('@koa/router')

export type Pages = Router
export type PageContext = RouterContext

/** What a page may know of the request beside what koa says. */
export interface PageFacts {
  /** The client's address; behind a trusted proxy the one that it reports. */
  readonly ip: string
  /** Counts the request for its address. Throws `M_LIMIT_EXCEEDED`. */
  limit(bucket: RateLimitBucket): void
}

/** What is known of the request that a page answers. */
export const factsOf = (context: PageContext): PageFacts => context.state['facts'] as PageFacts

/**
 * An empty router for what is no operation of an API: the landing and set-up pages, `/health`, `/metrics`. Given to
 * `createHttpApp`, which asks it for every path that no operation has.
 */
export const createPages = (): Pages => new router.Router({ sensitive: true, strict: true })
