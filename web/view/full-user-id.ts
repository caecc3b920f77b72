import type { Store } from '../store.ts'

/** The user ID that somebody means who may have left out what goes without saying: the `@`, and this server's name. */
export const fullUserId = (name: string, store: Store): string =>
  name.startsWith('@') && name.includes(':')
    ? name
    : `@${name.replace(/^@/, '')}:${store.userId.replace(/^[^:]*:/, '')}`
