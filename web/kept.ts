/** Whose the kept things are. */
const OWNER = 'tessera.owner'
let isOver = false

/**
 * Begins to keep things for a session. What one before it has left, such as in a tab that slept when that ended, is
 * forgotten: under another session the server takes a message a second time.
 */
export const beginKept = (deviceId: string): void => {
  try {
    if (sessionStorage.getItem(OWNER) !== deviceId) sessionStorage.clear()
    sessionStorage.setItem(OWNER, deviceId)
  } catch {
    // Forbidden by the reader: then nothing is kept.
  }
}

/**
 * Reads what was kept under a name. It outlives a reload and is of this tab alone, so that two tabs do not both send what
 * waits in one of them.
 */
export const kept = (name: string, userId: string): unknown => {
  try {
    return JSON.parse(sessionStorage.getItem(`tessera.${name}.${userId}`) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

/** Keeps a value under a name, for one user: nobody who signs in after them gets to see it. */
export const keep = (name: string, userId: string, value: unknown): void => {
  if (isOver) return
  try {
    sessionStorage.setItem(`tessera.${name}.${userId}`, JSON.stringify(value))
  } catch {
    // Full, or forbidden by the reader: then it lasts as long as the page.
  }
}

/** Forgets all that was kept; what is still to be kept before the page is gone, such as by a request that ends, is not. */
export const forgetKept = (): void => {
  isOver = true
  sessionStorage.clear()
}
