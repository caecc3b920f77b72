import { generationAfter } from '../../core/state-resolution/auth-graph.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { type Known, reasonAgainst } from './judge-outliers.ts'
import { receiveOne } from './receive-run.ts'
import type { Received } from './received.ts'
import type { RoomWriter } from './room-writer.ts'

/**
 * Judges anew what was rejected only because an auth event was missing, or was rejected itself, once that has changed;
 * and what waited for these in turn. Each is a commit of its own: what a crash leaves undone is made up for when the
 * event, or one that it waits for, comes again.
 *
 * @param eventIds events that have been accepted
 */
export const judgeAwaiting = async (writer: RoomWriter, eventIds: readonly string[]): Promise<void> => {
  const { read } = writer.context
  const seen = new Set<number>()
  let accepted = eventIds
  while (accepted.length > 0 && (await read.awaitingAuth.any())) {
    const waiting = (await read.awaitingAuth.of(accepted)).filter(nid => !seen.has(nid))
    const next: string[] = []
    for (const stored of await read.events.byNids(waiting)) {
      seen.add(stored.nid)
      if (stored.rejected !== undefined && (await isAcceptedNow(writer, stored))) {
        next.push(stored.event.eventId)
      }
    }
    accepted = next
  }
}

const isAcceptedNow = async (writer: RoomWriter, stored: StoredEvent): Promise<boolean> => {
  if (stored.position === undefined) return judgeOutlier(writer, stored)
  const { outcome }: Received = await receiveOne(writer, stored.event, {
    notRecommended: 'It came without the signature of the policy server.',
  })
  return outcome === 'accepted' || outcome === 'soft-failed'
}

/** Events that only authorise others are judged by their own auth events alone. */
const judgeOutlier = (writer: RoomWriter, { nid, event }: StoredEvent): Promise<boolean> =>
  writer.update<boolean>(event.roomId, async head => {
    const { read, write } = writer.context
    const known = await read.events.byIds(event.authEvents)
    const entry = head.entry('m.room.create', '')
    const [create] = entry === undefined ? [] : await read.events.byNids([entry.nid])
    const auth: Known[] = [...known.values()]
    if (auth.length < event.authEvents.length) return { settled: false }
    if (reasonAgainst(event, auth, create?.event) !== undefined) return { settled: false }
    const nodes = [...known.values()]
    const row = {
      nid,
      position: null,
      authNids: nodes.map(node => node.nid),
      generation: generationAfter(nodes),
    }
    return {
      statements: [...write.events.place(row), ...write.awaitingAuth.remove(nid, event.authEvents)],
      nids: [nid],
      result: () => {
        writer.context.authEdges.delete(head.room.nid)
        read.events.forget([nid])
        return true
      },
    }
  })
