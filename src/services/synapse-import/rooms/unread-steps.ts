import type { PushAction } from '../../../storage/push/push-action.ts'
import { PushActionWriter } from '../../../storage/push/push-action-writer.ts'
import { Places } from '../../../storage/synapse/rooms/places.ts'
import { UnreadPlaces } from '../../../storage/synapse/rooms/unread-places.ts'
import { UnreadReader, type UnreadSummary } from '../../../storage/synapse/rooms/unread-reader.ts'
import type { ImportStep } from '../step.ts'
import { tableStep } from '../table-step.ts'

interface ActionRow {
  readonly user_id: string
  readonly room_id: string
  readonly event_id: string
  readonly stream_ordering: number
  readonly actions: string
  readonly highlight: number | null
  readonly thread_id: string | null
}

/** What Synapse stores for the actions of most rules. */
const USUAL = JSON.stringify(['notify', { set_tweak: 'highlight', value: false }])
const USUAL_HIGHLIGHT = JSON.stringify([
  'notify',
  { set_tweak: 'sound', value: 'default' },
  { set_tweak: 'highlight' },
])

/** Whom messages notify, as far as Synapse still knows: all highlights, and those of the last day or so. */
export const noticesStep: ImportStep = tableStep<ActionRow>({
  name: 'notifications',
  table: 'event_push_actions',
  query: () => ({
    from: 'event_push_actions',
    columns: ['user_id', 'room_id', 'event_id', 'stream_ordering', 'actions', 'highlight', 'thread_id'],
    key: ['stream_ordering', 'user_id', 'event_id'],
    where: 'notif = 1 AND stream_ordering IS NOT NULL',
  }),
  begin: ({ db, source, now }, progress) => {
    const places = new Places(db)
    const unread = new UnreadReader(source)
    const writer = new PushActionWriter(db)
    return async notices => {
      const rows: ActionRow[] = []
      for (const row of notices)
        if (row.stream_ordering > (await unread.readByMembership(row.user_id, row.room_id))) rows.push(row)
      const events = await places.events(rows.map(row => row.event_id))
      const actions = rows.flatMap((row): PushAction[] => {
        const event = events.get(row.event_id)
        if (event === undefined || event.position === null) return []
        const { roomNid, position, nid: eventNid } = event
        const highlight = row.highlight === 1
        const usual = highlight ? USUAL_HIGHLIGHT : USUAL
        return [
          {
            ...{ userId: row.user_id, roomNid, position, eventNid, threadId: row.thread_id ?? 'main' },
            ...{ highlight, actions: row.actions === '' ? usual : row.actions, ts: now },
          },
        ]
      })
      progress.came('notifications', actions.length)
      progress.left(
        'Notifications of events that are in no timeline, such as invitations that were accepted',
        rows.length - actions.length,
      )
      return writer.insert(actions)
    }
  },
})

/** More than that is not counted, here either. */
const MOST = 1_000

/**
 * The rest of what users have not read: Synapse keeps only how much that is. It is told by the newest messages that they have not read,
 * as many as there were.
 */
export const unreadStep: ImportStep = tableStep<UnreadSummary>({
  name: 'unread counts',
  table: 'event_push_summary',
  query: () => ({
    from: 'event_push_summary',
    columns: [
      ...['user_id', 'room_id', "COALESCE(thread_id, 'main') AS thread", 'notif_count', 'stream_ordering'],
      'last_receipt_stream_ordering AS last_receipt',
    ],
    key: ['user_id', 'room_id', { column: "COALESCE(thread_id, 'main')", name: 'thread' }],
    where: 'notif_count > 0',
  }),
  begin: ({ db, source, now }, progress) => {
    const places = new Places(db)
    const unread = { read: new UnreadReader(source), places: new UnreadPlaces(db) }
    const writer = new PushActionWriter(db)
    return async rows => {
      const rooms = await places.rooms(rows.map(row => row.room_id))
      const actions: PushAction[] = []
      for (const row of rows) {
        const roomNid = rooms.get(row.room_id)
        const newest = await unread.read.eventAt(row.stream_ordering)
        const upTo = newest === undefined ? undefined : (await places.events([newest])).get(newest)?.position
        if (roomNid === undefined || upTo == null || !(await unread.read.counts(row))) continue
        const { user_id: userId, thread: threadId } = row
        const span = { userId, roomNid, threadId, upTo }
        const lacking = Math.min(row.notif_count, MOST) - (await unread.places.known(span))
        if (lacking <= 0) continue
        const usual = { highlight: false, actions: USUAL, ts: now }
        for (const { nid: eventNid, position } of await unread.places.newest(span, lacking))
          actions.push({ ...{ userId, roomNid, threadId, position, eventNid }, ...usual })
      }
      progress.came('unread messages of before the last day', actions.length)
      return writer.insert(actions)
    }
  },
})
