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
  try {
    sessionStorage.setItem(`tessera.${name}.${userId}`, JSON.stringify(value))
  } catch {
    // Full, or forbidden by the reader: then it lasts as long as the page.
  }
}

/** Forgets all that was kept. */
export const forgetKept = (): void => sessionStorage.clear()
