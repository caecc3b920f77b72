import { parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { wireErrorOf } from './sqlite-connection.ts'
import type {
  CommitAnswer,
  ReadAnswer,
  WireAnswer,
  WireBody,
  WireOutcome,
  WireRequest,
} from './sqlite-wire.ts'

/**
 * Answers the requests of the main thread, in their order.
 *
 * @param handle is given those that are waiting
 * @param atOnce at most so many
 */
export const serve = (
  handle: (bodies: readonly WireBody[], textOf: (id: number) => string) => readonly WireOutcome[],
  atOnce: number,
): void => {
  const port = parentPort
  if (port === null) throw new Error('a storage thread is started by the main thread only')
  const texts = new Map<number, string>()
  const textOf = (id: number): string => {
    const text = texts.get(id)
    if (text === undefined) throw new Error(`statement ${id} was never defined`)
    return text
  }
  port.on('message', (first: WireRequest) => {
    const requests = [first]
    while (requests.length < atOnce) {
      const next = receiveMessageOnPort(port)
      if (next === undefined) break
      requests.push(next.message)
    }
    for (const [, definitions] of requests)
      for (const [statement, text] of definitions) texts.set(statement, text)
    const outcomes = handle(
      requests.map(([, , body]) => body),
      textOf,
    )
    const answers = requests.map(
      ([id], index): WireAnswer => [id, ...(outcomes[index] ?? failed(new Error('it was not answered')))],
    )
    port.postMessage(answers)
  })
}

/** What comes of what answers or throws. */
export const outcomeOf = (work: () => CommitAnswer | ReadAnswer | null): WireOutcome => {
  try {
    return [work(), null]
  } catch (error) {
    return failed(error)
  }
}

export const failed = (error: unknown): WireOutcome => [null, wireErrorOf(error)]
