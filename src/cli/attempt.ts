import { unavailableBy } from '../storage/dump/open.ts'
import { DumpError } from '../storage/dump/row-stream.ts'
import { SynapseUnreadable } from '../storage/synapse/source.ts'
import { EXIT, type Host, say } from './host.ts'
import { startFailure } from './start-errors.ts'

/** Does something with whole databases, or says in one sentence why that cannot be done. */
export const attempt = async (host: Host, act: () => Promise<void>): Promise<number> => {
  try {
    await act()
    return EXIT.ok
  } catch (error) {
    const reason = sentenceOf(error) ?? startFailure(error) ?? startFailure(await unavailableBy(error))
    if (reason === undefined) throw error
    say(host, reason)
    return EXIT.failed
  }
}

const sentenceOf = (error: unknown): string | undefined => {
  if (error instanceof DumpError) return `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`
  return error instanceof SynapseUnreadable ? error.message : undefined
}
