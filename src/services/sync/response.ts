import type { Answer } from '../answer.ts'
import { type Body, bodyOf, PIECE } from '../body.ts'
import { nextTurn } from '../next-turn.ts'

/** One room in one part of a response, as JSON text. */
export interface Section {
  readonly part: 'join' | 'invite' | 'knock' | 'leave'
  readonly roomId: string
  readonly text: string
  /** What follows, made while it is sent. */
  readonly more?: AsyncGenerator<string, void> | undefined
}

/** A response under construction; everything is JSON text. */
export interface Draft {
  /** Members that go with every response: `"next_batch":"…"`. Asked for only if there is one. */
  readonly always: () => Answer<readonly string[]>
  /** Members that are news. */
  readonly members: readonly string[]
  /** Rooms, those of a part together: a few at once, or many as they are made. */
  readonly sections: readonly Section[] | AsyncGenerator<Section, void>
}

/** A response that has been begun. */
export interface Response {
  readonly isEmpty: boolean
  readonly body: () => Answer<Body>
}

/** Finds out whether there is any news in a response, and makes it where it is wanted. */
export const respond = ({ always, members, sections }: Draft): Answer<Response> => {
  if (!isList(sections)) return respondWithMany(always, members, sections)
  const isEmpty = members.length === 0 && sections.length === 0
  return { isEmpty, body: () => bodyOfFew(always, members, sections) }
}

const respondWithMany = async (
  always: Draft['always'],
  members: readonly string[],
  sections: AsyncGenerator<Section, void>,
): Promise<Response> => {
  const first = await sections.next()
  const isEmpty = members.length === 0 && first.done === true
  const body = async (): Promise<Body> => {
    const start = [...(await always()), ...members].join(',')
    return bodyOf(texts(start, sections, first.done === true ? undefined : first.value))
  }
  return { isEmpty, body }
}

const isList = (sections: Draft['sections']): sections is readonly Section[] => Array.isArray(sections)

const bodyOfFew = (
  always: Draft['always'],
  members: readonly string[],
  sections: readonly Section[],
): Answer<Body> => {
  const first = always()
  return first instanceof Promise
    ? first.then(known => bodyAfter(known, members, sections))
    : bodyAfter(first, members, sections)
}

const bodyAfter = (
  first: readonly string[],
  members: readonly string[],
  sections: readonly Section[],
): Answer<Body> => {
  const start = [...first, ...members].join(',')
  const length = sections.reduce((sum, { text }) => sum + text.length, start.length)
  if (length >= PIECE || sections.some(({ more }) => more !== undefined))
    return bodyOf(texts(start, sections.slice(1).values(), sections[0]))
  return textOf(start, sections)
}

async function* texts(
  start: string,
  sections: AsyncIterable<Section> | Iterable<Section>,
  first: Section | undefined,
): AsyncGenerator<string, void> {
  yield `{${start}`
  let open: Section['part'] | undefined
  if (first !== undefined) {
    yield entry(first, open)
    if (first.more !== undefined) yield* first.more
    open = first.part
  }
  for await (const section of sections) {
    yield entry(section, open)
    if (section.more !== undefined) yield* section.more
    open = section.part
  }
  yield open === undefined ? '}' : '}}}'
}

/** The same at once. */
const textOf = (start: string, sections: readonly Section[]): string => {
  let text = `{${start}`
  let open: Section['part'] | undefined
  for (const section of sections) {
    text += entry(section, open)
    open = section.part
  }
  return text + (open === undefined ? '}' : '}}}')
}

/** @param open the part that the section before it belongs to */
const entry = ({ part, roomId, text }: Section, open: Section['part'] | undefined): string => {
  const start = open === part ? ',' : open === undefined ? `,"rooms":{"${part}":{` : `},"${part}":{`
  return `${start}${JSON.stringify(roomId)}:${text}`
}

/**
 * Rooms that are made at a time, while the first of them is on its way to the client. What they ask the database in one turn of the
 * event loop goes there together: the more of them, the fewer round trips.
 */
export const AHEAD = 32
/** In characters: when so much has been made that nobody has taken yet, nothing more is begun. */
const MAX_HELD = 4_000_000
/** After so many have been begun, or taken, everybody else gets their turn. */
const AT_ONCE = 8

/**
 * Runs over items in their order, some at a time ahead of whoever takes the results. Of many items everybody else gets
 * their turns in between: a database that answers at once would otherwise hold the event loop to the end. Of one that has to be waited
 * for more is asked meanwhile.
 *
 * @param ahead how many are under way at most
 * @param lengthOf how many characters a result holds, where that may be many
 */
export async function* inOrder<T, R>(
  items: readonly T[],
  ahead: number,
  run: (item: T) => Promise<R>,
  lengthOf: (result: R) => number = () => 0,
): AsyncGenerator<R, void> {
  const running: { readonly result: Promise<R>; isThere: boolean }[] = []
  let next = 0
  let held = 0
  const begin = (item: T): void => {
    const one = { result: run(item), isThere: false }
    running.push(one)
    one.result.then(
      result => {
        one.isThere = true
        held += lengthOf(result)
      },
      // Whoever stops taking results is not told of failures any more.
      () => {
        one.isThere = true
      },
    )
  }
  for (let taken = 1; ; taken++) {
    for (let begun = 0; next < items.length && running.length < ahead; ) {
      const mayWait = running.length > 0 && (held >= MAX_HELD || (begun > 0 && running[0]?.isThere === true))
      if (mayWait) break
      begin(items[next++] as T)
      if (++begun % AT_ONCE === 0) await nextTurn()
    }
    const first = running.shift()
    if (first === undefined) return
    const result = await first.result
    held -= lengthOf(result)
    yield result
    if (taken % AT_ONCE === 0) await nextTurn()
  }
}
