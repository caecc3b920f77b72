import { type Api, ApiError, type Json, text } from './api.ts'
import type { Store } from './store.ts'
import { words } from './words.ts'

const FILTER = JSON.stringify({
  room: { timeline: { limit: 30 }, state: { lazy_load_members: true } },
  presence: { types: [] },
  'chat.tessera.notifications': true,
})
const POLL_MS = 30_000
/** After so long without an answer the connection is taken for dead, such as when the computer was asleep. */
const DEAD_MS = 2 * POLL_MS
const MAX_PAUSE_MS = 30_000

/**
 * Keeps the store up to date by long polls, until it is stopped. Failures are shown and tried again, ever less often; at once
 * when the browser says that the network is back, or the reader looks at the page again.
 *
 * @param onBack is called when the server has answered for the first time, and for the first time after it was away
 */
export const follow = (api: Api, store: Store, onBack: () => void): (() => void) => {
  const stopping = new AbortController()
  const { signal } = stopping
  let wake = (): void => undefined
  const isBack = (): void => {
    if (!document.hidden) wake()
  }
  addEventListener('online', isBack, { signal })
  document.addEventListener('visibilitychange', isBack, { signal })
  const run = async (): Promise<void> => {
    let since = ''
    let failures = 0
    while (!signal.aborted) {
      try {
        const response = await poll(api, since, signal)
        const wasAway = since === '' || failures > 0
        store.trouble = undefined
        failures = 0
        since = response.next
        store.update(response.body)
        if (wasAway) onBack()
      } catch (error) {
        if (signal.aborted) return
        failures += 1
        store.trouble = error instanceof ApiError ? error.message : words.unreachable
        store.changed()
        await new Promise<void>(resolve => {
          wake = resolve
          setTimeout(resolve, Math.min(MAX_PAUSE_MS, 500 * 2 ** failures))
        })
      }
    }
  }
  void run()
  return () => stopping.abort()
}

/** One poll. What answers in the server's place, such as the page of a hotel's network, is no answer. */
const poll = async (api: Api, since: string, signal: AbortSignal): Promise<{ next: string; body: Json }> => {
  const query = new URLSearchParams({ filter: FILTER, timeout: since === '' ? '0' : String(POLL_MS) })
  if (since !== '') query.set('since', since)
  const body = await api.get(`/sync?${query}`, AbortSignal.any([signal, AbortSignal.timeout(DEAD_MS)]))
  const next = text(body['next_batch'])
  if (next === undefined) throw new Error('no answer of a homeserver')
  return { next, body }
}
