/** One room in one part of a response, as JSON text. */
export interface Section {
  readonly part: 'join' | 'invite' | 'knock' | 'leave'
  readonly roomId: string
  readonly text: string
}

/** A response under construction; everything is JSON text. */
export interface Draft {
  /** Members that go with every response: `"next_batch":"…"`. */
  readonly always: readonly string[]
  /** Members that are news. */
  readonly members: readonly string[]
  /** Rooms, those of a part together. */
  readonly sections: AsyncGenerator<Section, void>
}

/** A body in one piece where it is small; a large one is made while it is sent. */
export type Body = string | AsyncIterable<string>

/** In characters: what is more is sent in pieces of about this size. */
const PIECE = 65_536

/** Puts a response together. If there is no news in it, `isEmpty` says so. */
export const respond = async (draft: Draft): Promise<{ readonly isEmpty: boolean; readonly body: Body }> => {
  const pieces = inPieces(tokens(draft))
  const first = await pieces.next()
  if (first.done === true) return { isEmpty: true, body: '{}' }
  // The first piece ends early if there is more.
  if (first.value.text.length < PIECE) return { isEmpty: first.value.isEmpty, body: first.value.text }
  return { isEmpty: false, body: rest(first.value.text, pieces) }
}

interface Piece {
  readonly text: string
  readonly isEmpty: boolean
}

async function* rest(first: string, pieces: AsyncGenerator<Piece, void>): AsyncGenerator<string, void> {
  try {
    yield first
    for await (const { text } of pieces) yield text
  } finally {
    await pieces.return()
  }
}

async function* inPieces(texts: AsyncGenerator<Piece, void>): AsyncGenerator<Piece, void> {
  let parts: string[] = []
  let length = 0
  let isEmpty = true
  for await (const part of texts) {
    parts.push(part.text)
    length += part.text.length
    isEmpty &&= part.isEmpty
    if (length < PIECE) continue
    yield { text: parts.join(''), isEmpty }
    parts = []
    length = 0
  }
  if (length > 0) yield { text: parts.join(''), isEmpty }
}

async function* tokens({ always, members, sections }: Draft): AsyncGenerator<Piece, void> {
  yield { text: `{${[...always, ...members].join(',')}`, isEmpty: members.length === 0 }
  let open: Section['part'] | undefined
  for await (const { part, roomId, text } of sections) {
    const lead = open === undefined ? `,"rooms":{"${part}":{` : open === part ? ',' : `},"${part}":{`
    open = part
    yield { text: `${lead}${JSON.stringify(roomId)}:${text}`, isEmpty: false }
  }
  yield { text: open === undefined ? '}' : '}}}', isEmpty: true }
}

/** Runs over items in their order, some at a time ahead of whoever takes the results. */
export async function* inOrder<T, R>(
  items: readonly T[],
  ahead: number,
  run: (item: T) => Promise<R>,
): AsyncGenerator<R, void> {
  const running: Promise<R>[] = []
  const waiting = items.values()
  for (;;) {
    while (running.length < ahead) {
      const { value: item, done } = waiting.next()
      if (done === true) break
      const promise = run(item)
      // Whoever stops taking results is not told of failures any more.
      promise.catch(() => undefined)
      running.push(promise)
    }
    const first = running.shift()
    if (first === undefined) return
    yield await first
  }
}
