import test from 'ava'
import { ReceiptReader } from '../../../storage/ephemeral/receipts.ts'
import { PushActionReader } from '../../../storage/push/push-actions.ts'
import { roomReaders } from '../../../storage/rooms/index.ts'
import { markImport } from '../../../storage/synapse/mark.ts'
import { positionOf } from '../../../storage/synapse/rooms/positions.ts'
import { testImports } from '../../../test-kit/synapse.ts'
import { MadeRooms, ROOM_TABLES } from '../../../test-kit/synapse-rooms.ts'
import { runImport } from '../run.ts'
import { roomSteps } from './steps.ts'

const NOW = 1_800_000_000_000
const ANN = '@ann:a.test'

testImports(test, 'what users have read, and what not, is as it was', async (t, db, open, config) => {
  const rooms = new MadeRooms()
  const room = rooms.open('!r:a.test')
  const says = (name: string, thread?: string) =>
    room.add(name, {
      sender: '@ben:b.test',
      content: {
        body: name,
        ...(thread && { 'm.relates_to': { rel_type: 'm.thread', event_id: room.id(thread) } }),
      },
    })
  for (const name of ['one', 'two', 'three', 'four']) says(name)
  says('reply', 'one')
  says('loud')
  room.ends('loud')
  const receipt = { room_id: room.roomId, user_id: ANN, data: '{"ts":7}' }
  const summary = { user_id: ANN, room_id: room.roomId, last_receipt_stream_ordering: 6 }
  const source = await open(
    rooms.rows({
      receipts_linearized: [
        { ...receipt, stream_id: 3, receipt_type: 'm.read', event_id: room.id('one') },
        {
          ...receipt,
          stream_id: 4,
          receipt_type: 'm.read.private',
          event_id: room.id('ann'),
          thread_id: 'main',
        },
        { ...receipt, stream_id: 5, receipt_type: 'm.odd', event_id: room.id('two') },
      ],
      event_push_summary: [
        { ...summary, notif_count: 2, stream_ordering: 9, thread_id: 'main' },
        { ...summary, notif_count: 1, stream_ordering: 10, thread_id: room.id('one') },
        { ...summary, room_id: '!gone:a.test', notif_count: 5, stream_ordering: 9, thread_id: 'main' },
        { ...summary, user_id: '@old:a.test', notif_count: 9, stream_ordering: 3, thread_id: 'main' },
      ],
      event_push_actions: [
        {
          ...{ room_id: room.roomId, event_id: room.id('loud'), user_id: ANN, actions: '', notif: 1 },
          ...{ highlight: 1, stream_ordering: 11, thread_id: 'main' },
        },
      ],
    }),
    ROOM_TABLES,
  )
  await markImport(config, 'x')
  await runImport(roomSteps, { source, db, serverName: 'a.test', now: NOW })
  const nid = (await roomReaders(db).rooms.byId('!r:a.test'))?.nid ?? 0
  const receipts = await new ReceiptReader(db).ofUser(nid, ANN)
  t.deepEqual(
    receipts.map(({ type, threadId, eventPosition, ts }) => [type, threadId, eventPosition, ts]).toSorted(),
    [
      ['m.read', '', positionOf(6), 7],
      ['m.read.private', 'main', positionOf(2), 7],
    ],
  )
  const counts = (await new PushActionReader(db).unread(ANN, nid)).threads
  t.deepEqual(
    Object.fromEntries(
      counts.map(({ threadId, notifications, highlights }) => [threadId, [notifications, highlights]]),
    ),
    { main: [3, 1], [room.id('one')]: [1, 0] },
  )
})

testImports(
  test,
  'who has no receipt has read what was before their membership',
  async (t, db, open, config) => {
    const rooms = new MadeRooms()
    const room = rooms.open('!r:a.test')
    room.member('invited', ANN, 'invite', { sender: '@ben:b.test' })
    room.add('early', { sender: '@ben:b.test' })
    room.member('again', ANN, 'join')
    room.add('late', { sender: '@ben:b.test' })
    room.ends('late')
    const of = { room_id: room.roomId, user_id: ANN }
    const action = (name: string, stream_ordering: number) => ({
      ...{ ...of, event_id: room.id(name), actions: '', notif: 1, highlight: 0, stream_ordering },
      thread_id: 'main',
    })
    const summary = { ...of, notif_count: 2, stream_ordering: 7, thread_id: 'main' }
    const source = await open(
      rooms.rows({
        local_current_membership: [{ ...of, event_id: room.id('again'), membership: 'join' }],
        event_push_actions: [action('invited', 6), action('early', 7), action('late', 9)],
        event_push_summary: [summary],
      }),
      ROOM_TABLES,
    )
    await markImport(config, 'x')
    await runImport(roomSteps, { source, db, serverName: 'a.test', now: NOW })
    const nid = (await roomReaders(db).rooms.byId('!r:a.test'))?.nid ?? 0
    const { threads } = await new PushActionReader(db).unread(ANN, nid)
    t.deepEqual(threads, [{ threadId: 'main', notifications: 1, highlights: 0 }])
  },
)
