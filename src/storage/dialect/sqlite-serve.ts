import { parentPort } from 'node:worker_threads'
import { wireErrorOf } from './sqlite-connection.ts'
import type { CommitAnswer, ReadAnswer, WireAnswer, WireBody, WireRequest } from './sqlite-wire.ts'

/** Answers the requests of the main thread, one after the other, with what `handle` returns or throws. */
export const serve = (
  handle: (body: WireBody, textOf: (id: number) => string) => CommitAnswer | ReadAnswer | null,
): void => {
  const port = parentPort
  if (port === null) throw new Error('a storage thread is started by the main thread only')
  const texts = new Map<number, string>()
  const textOf = (id: number): string => {
    const text = texts.get(id)
    if (text === undefined) throw new Error(`statement ${id} was never defined`)
    return text
  }
  port.on('message', ([id, definitions, body]: WireRequest) => {
    for (const [statement, text] of definitions) texts.set(statement, text)
    port.postMessage(answer(id, () => handle(body, textOf)))
  })
}

const answer = (id: number, handle: () => CommitAnswer | ReadAnswer | null): WireAnswer => {
  try {
    return [id, handle(), null]
  } catch (error) {
    return [id, null, wireErrorOf(error)]
  }
}
