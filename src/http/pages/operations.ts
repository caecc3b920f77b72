import type { IncomingMessage } from 'node:http'
import { createClientAddress, createNetworkCheck, createUnnamedProxy } from '../client-address.ts'
import type { Pages } from '../pages.ts'

export interface OperationsPagesOptions {
  /** Resolves while the server can do its work; rejects with what is wrong. */
  readonly check: () => Promise<void>
  /** The figures for Prometheus; absent where they are switched off. */
  readonly metrics?: { readonly contentType: string; text(): Promise<string> } | undefined
  /** Who may read the figures: addresses or networks. */
  readonly metricsFor: readonly string[]
  readonly trustedProxies: readonly string[]
}

/** Adds `/health`, for load balancers and containers, and `/metrics`, for Prometheus. */
export const addOperationsPages = (pages: Pages, options: OperationsPagesOptions): void => {
  const addressOf: (request: IncomingMessage) => string = createClientAddress(options.trustedProxies)
  const isAllowed = createNetworkCheck(options.metricsFor)
  const unnamedProxy = createUnnamedProxy(options.trustedProxies)
  // By way of a proxy that nobody names the whole world would come from this machine.
  const mayRead = (request: IncomingMessage): boolean =>
    unnamedProxy(request) === undefined && isAllowed(addressOf(request))
  pages.get('/health', async context => {
    try {
      await options.check()
      context.body = { status: 'ok' }
    } catch {
      context.status = 503
      context.body = { status: 'unavailable' }
    }
  })
  const { metrics } = options
  if (metrics === undefined) return
  pages.get('/metrics', async context => {
    // Whoever may not read them is not told that there are any.
    if (!mayRead(context.req)) return
    context.set('Content-Type', metrics.contentType)
    context.body = await metrics.text()
  })
}
