import test from 'ava'
import { TransactionReader } from '../../../storage/rooms/transactions.ts'
import { markImport } from '../../../storage/synapse/mark.ts'
import { testImports } from '../../../test-kit/synapse.ts'
import { MadeRooms, ROOM_TABLES } from '../../../test-kit/synapse-rooms.ts'
import { runImport } from '../run.ts'
import { devices } from '../sessions.ts'
import { roomSteps } from './steps.ts'

const ANN = '@ann:a.test'
const NOW = 1_800_000_000_000

testImports(test, 'what a client sends again was sent already', async (t, db, open, config) => {
  const rooms = new MadeRooms()
  const room = rooms.open('!r:a.test')
  room.add('said')
  room.add('taken back', { type: 'm.room.redaction', redacts: room.id('said') })
  room.ends('taken back')
  const by = { user_id: ANN, device_id: 'PHONE', room_id: room.roomId, inserted_ts: NOW - 5_000 }
  const source = await open(
    rooms.rows({
      devices: [{ user_id: ANN, device_id: 'PHONE', last_seen: NOW - 1_000, hidden: false }],
      event_txn_id_device_id: [
        { ...by, event_id: room.id('said'), txn_id: 'm1' },
        { ...by, event_id: room.id('taken back'), txn_id: 'm2' },
        { ...by, event_id: '$gone', txn_id: 'm3' },
      ],
      redactions: [{ event_id: room.id('taken back'), redacts: room.id('said') }],
    }),
    ROOM_TABLES,
  )
  await markImport(config, 'x')
  const report = await runImport([devices, ...roomSteps], { source, db, serverName: 'a.test', now: NOW })
  t.is(report.came.get('transactions of clients'), 2)
  const transactions = new TransactionReader(db)
  const eventOf = (scope: string, txnId: string): Promise<string | undefined> =>
    transactions.eventOf({ userId: ANN, deviceId: 'PHONE', scope, txnId })
  t.is(await eventOf(`send ${room.roomId} m.room.message`, 'm1'), room.id('said'))
  t.is(await eventOf(`redact ${room.roomId} ${room.id('said')}`, 'm2'), room.id('taken back'))
  t.is(await eventOf(`send ${room.roomId} m.room.message`, 'm2'), undefined)
})
