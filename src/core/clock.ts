/**
 * Time, injected. Whatever needs to know or to wait for a moment takes a `Clock`, so that tests advance time
 * instead of sleeping. Instants are milliseconds since 1970 (UTC), as in `origin_server_ts`.
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Resolves `ms` milliseconds from now; rejects with the signal's reason when it is aborted before. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
