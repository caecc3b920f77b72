/** A body in one piece where it is small; a large one is made while it is sent. */
export type Body = string | AsyncIterable<string>

/** In characters: what is more is sent in pieces of about this size. */
export const PIECE = 65_536

/** The body that these parts make up. What is wrong before the first piece is full is thrown here. */
export const bodyOf = async (parts: AsyncGenerator<string, void>): Promise<Body> => {
  const pieces = inPieces(parts)
  const first = await pieces.next()
  const text = first.done === true ? '' : first.value
  // A piece that is short is the last one.
  return text.length < PIECE ? text : rest(text, pieces)
}

async function* rest(first: string, pieces: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
  try {
    yield first
    yield* pieces
  } finally {
    await pieces.return()
  }
}

async function* inPieces(parts: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
  let gathered: string[] = []
  let length = 0
  for await (const part of parts) {
    gathered.push(part)
    length += part.length
    if (length < PIECE) continue
    yield gathered.join('')
    gathered = []
    length = 0
  }
  if (length > 0) yield gathered.join('')
}

/** A list that is made in slices, between what stands before and behind it. */
export const listBody = (
  before: string,
  slices: AsyncIterable<readonly string[]>,
  behind: string,
): Promise<Body> => bodyOf(listParts(before, slices, behind))

/** An object of members that are at hand, as JSON texts, and of lists that are made in slices, by their names. */
export const objectBody = (
  members: readonly string[],
  lists: readonly (readonly [name: string, slices: AsyncIterable<readonly string[]>])[],
): Promise<Body> => bodyOf(objectParts(members, lists))

async function* objectParts(
  members: readonly string[],
  lists: Parameters<typeof objectBody>[1],
): AsyncGenerator<string, void> {
  let before = `{${members.map(member => `${member},`).join('')}`
  for (const [name, slices] of lists) {
    yield* listParts(`${before}"${name}":[`, slices, ']')
    before = ','
  }
  yield '}'
}

async function* listParts(
  before: string,
  slices: AsyncIterable<readonly string[]>,
  behind: string,
): AsyncGenerator<string, void> {
  let start = before
  for await (const slice of slices) {
    if (slice.length === 0) continue
    yield `${start}${slice.join(',')}`
    start = ','
  }
  yield start === before ? `${before}${behind}` : behind
}
