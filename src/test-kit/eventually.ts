import { setTimeout } from 'node:timers/promises'

/** Resolves once `check` answers true, looking again and again; throws after 10 seconds, naming what it waited for. */
export const eventually = async (what: string, check: () => boolean | Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + 10_000
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`)
    await setTimeout(2)
  }
}
