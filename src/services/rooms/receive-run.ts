import type { RoomEvent } from '../../core/event/event.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { mayFollow } from './following.ts'
import { type Foreknowledge, Receipt } from './receipt.ts'
import type { Received, ReceiveOptions } from './received.ts'
import { endStatements } from './room-ends.ts'
import type { RoomHead } from './room-head.ts'
import type { Draft, RoomWriter, Settled } from './room-writer.ts'

/**
 * Receives events of one room in one commit: the first, and of the others as many as need not wait for what is before them, which
 * of the messages of a busy room are mostly all.
 *
 * @param events at least one
 * @returns what has become of them, of the first so many
 */
export const receiveRun = (
  writer: RoomWriter,
  events: readonly [RoomEvent, ...RoomEvent[]],
  options: ReceiveOptions = {},
): Promise<Received[]> => {
  const [first] = events
  return writer.update(first.roomId, head => draftRun(writer, head, { events, options }), {
    settled: head => Object.keys(options).length > 0 || !mayFollow(first, head),
  })
}

/** Receives one event: see `receiveEvent`, which also judges again what waited for it. */
export const receiveOne = async (
  writer: RoomWriter,
  event: RoomEvent,
  options: ReceiveOptions = {},
): Promise<Received> => {
  const [received] = await receiveRun(writer, [event], options)
  if (received === undefined) throw new Error('an event was left without an outcome')
  return received
}

const draftRun = async (
  writer: RoomWriter,
  head: RoomHead,
  { events, options }: { events: readonly RoomEvent[]; options: ReceiveOptions },
): Promise<Draft<Received[]> | Settled<Received[]>> => {
  const { context } = writer
  const ends = head.extremities
  const run = leadingMessages(events)
  const known = await foreknowledgeOf(writer, run)
  const outcomes: ((stored: Parameters<Draft<Received>['result']>[0]) => Received)[] = []
  const drafts: Draft<Received>[] = []
  let taken = 0
  for (const event of run) {
    // What only the database can tell is asked when nothing is on its way there.
    const mustFollow = drafts.length > 0 || head.inFlight > 0
    if (outcomes.length > 0 && mustFollow && !mayFollow(event, head)) break
    const receipt = new Receipt(writer, head, event, { options, known })
    const draft = await receipt.draft(taken)
    taken += receipt.width
    if ('settled' in draft) outcomes.push(() => draft.settled)
    else {
      drafts.push(draft)
      outcomes.push(draft.result)
    }
  }
  const result: Draft<Received[]>['result'] = stored => outcomes.map(outcome => outcome(stored))
  if (drafts.length === 0) return { settled: result(NOTHING_STORED) }
  return {
    statements: [
      ...together(drafts.flatMap(({ statements }) => statements)),
      ...endStatements(context, head, ends),
    ],
    nids: drafts.flatMap(({ nids }) => nids),
    result,
  }
}

const NOTHING_STORED = { ok: true, positions: {}, returned: {} } as const

/** The first, whatever it is, and the messages after it: nothing else could be received with what is before it. */
const leadingMessages = (events: readonly RoomEvent[]): readonly RoomEvent[] => {
  const end = events.findIndex((event, index) => index > 0 && !isMessage(event))
  return end === -1 ? events : events.slice(0, end)
}

const isMessage = ({ stateKey, redacts }: RoomEvent): boolean =>
  stateKey === undefined && redacts === undefined

const foreknowledgeOf = async (
  { context: { read } }: RoomWriter,
  events: readonly RoomEvent[],
): Promise<Foreknowledge> => {
  const eventIds = events.map(({ eventId }) => eventId)
  const [stored, redacted] = await Promise.all([read.events.byIds(eventIds), read.redactions.named(eventIds)])
  return { stored: new Set(stored.keys()), redacted }
}

/**
 * Statements with those that do the same put together, in the place of the first. That changes nothing: what messages write is
 * rows of their own.
 */
const together = (statements: readonly WriteStatement[]): WriteStatement[] => {
  const all: { statement: WriteStatement; rows: WriteStatement['rows'][number][] }[] = []
  const known = new Map<WriteStatement['prepared'], (typeof all)[number]>()
  for (const statement of statements) {
    const { prepared, rows, guard, returning } = statement
    const isPlain = guard === undefined && returning === undefined
    const same = isPlain ? known.get(prepared) : undefined
    if (same !== undefined) {
      same.rows.push(...rows)
      continue
    }
    const kept = { statement, rows: [...rows] }
    all.push(kept)
    if (isPlain) known.set(prepared, kept)
  }
  return all.map(({ statement, rows }) => ({ ...statement, rows }))
}
