import { type Appended, append } from '../../src/services/rooms/append.ts'
import { makeLocalEvent } from '../../src/services/rooms/local-event.ts'
import { endStatements } from '../../src/services/rooms/room-ends.ts'
import type { WriteStatement } from '../../src/storage/database.ts'
import type { Said, World } from './world.ts'

/** More than all write sets that are under way take together. */
export const IDS_AT_HAND = 50_000

/** An event that was stored. */
export interface Stored {
  readonly nid: number
  readonly eventId: string
  readonly sender: string
  readonly position: number
}

/**
 * Appends events to a room in one write set, as senders and other servers do one by one: built on the room's head,
 * authorised, hashed and signed by the sender's server.
 *
 * @param also what is committed with them, given what each will be called
 */
export const say = async (
  { core, nids }: World,
  roomId: string,
  said: readonly Said[],
  also: (events: readonly Omit<Stored, 'position'>[]) => readonly WriteStatement[] = () => [],
): Promise<Stored[]> => {
  const { context, writer } = core
  return writer.update<Stored[]>(roomId, async head => {
    await nids.ensure(IDS_AT_HAND)
    const before = head.extremities
    const appended: Appended[] = []
    for (const { signer, ...template } of said) {
      const made = await makeLocalEvent(
        { ...context, serverName: signer.serverName },
        signer.key,
        head,
        template,
      )
      appended.push(await append(context, head, { ...made, local: true }, appended.length))
    }
    const events = appended.map(({ nid, event }) => ({ nid, eventId: event.eventId, sender: event.sender }))
    return {
      statements: [
        ...appended.flatMap(({ statements }) => statements),
        ...endStatements(context, head, before),
        ...also(events),
      ],
      nids: events.map(({ nid }) => nid),
      result: ({ positions: { events: first = 0 } }) => {
        for (const one of appended) one.settle(first)
        return events.map((event, offset) => ({ ...event, position: first + offset }))
      },
    }
  })
}
