import { type Api, ApiError } from './api.ts'
import type { Store } from './store.ts'
import { words } from './words.ts'

const FILTER = JSON.stringify({
  room: { timeline: { limit: 30 }, state: { lazy_load_members: true } },
  presence: { types: [] },
  'chat.tessera.notifications': true,
})
const POLL_MS = 30_000
const MAX_PAUSE_MS = 30_000

/** Keeps the store up to date by long polls, until it is stopped. Failures are shown and tried again, ever less often. */
export const follow = (api: Api, store: Store): (() => void) => {
  const stopping = new AbortController()
  const { signal } = stopping
  const run = async (): Promise<void> => {
    let since = ''
    let failures = 0
    while (!signal.aborted) {
      try {
        const query = new URLSearchParams({ filter: FILTER, timeout: since === '' ? '0' : String(POLL_MS) })
        if (since !== '') query.set('since', since)
        const response = await api.get(`/sync?${query}`, signal)
        store.trouble = undefined
        failures = 0
        since = String(response['next_batch'])
        store.update(response)
      } catch (error) {
        if (signal.aborted || (error instanceof ApiError && error.status === 401)) return
        failures += 1
        store.trouble = error instanceof ApiError ? error.message : words.unreachable
        store.changed()
        await new Promise(resolve => setTimeout(resolve, Math.min(MAX_PAUSE_MS, 500 * 2 ** failures)))
      }
    }
  }
  void run()
  return () => stopping.abort()
}
