import type { WriteStatement } from '../../../storage/database.ts'
import { TransactionWriter } from '../../../storage/rooms/transactions.ts'
import { Places } from '../../../storage/synapse/rooms/places.ts'
import type { ImportStep } from '../step.ts'
import { tableStep } from '../table-step.ts'

interface TransactionRow {
  readonly event_id: string
  readonly room_id: string
  readonly user_id: string
  readonly device_id: string
  readonly txn_id: string
  readonly type: string
  readonly redacts: string | null
}

/** By which transactions events of the last day were sent: whoever did not hear that theirs was, and sends it again, sends it once. */
export const transactionsStep: ImportStep = tableStep<TransactionRow>({
  name: 'transactions',
  table: 'event_txn_id_device_id',
  query: () => ({
    from: `event_txn_id_device_id t JOIN events e ON e.event_id = t.event_id
      LEFT JOIN redactions r ON r.event_id = t.event_id`,
    columns: [
      ...['t.event_id AS event_id', 't.room_id AS room_id', 't.user_id AS user_id'],
      ...['t.device_id AS device_id', 't.txn_id AS txn_id', 'e.type AS type', 'r.redacts AS redacts'],
    ],
    key: [{ column: 't.event_id', name: 'event_id' }],
  }),
  begin: ({ db, now }, progress) => {
    const places = new Places(db)
    const writer = new TransactionWriter(db)
    return async rows => {
      const events = await places.events(rows.map(row => row.event_id))
      const known = rows.flatMap((row): WriteStatement[] => {
        const nid = events.get(row.event_id)?.nid
        if (nid === undefined) return []
        const { user_id: userId, device_id: deviceId, txn_id: txnId, event_id: id } = row
        return [writer.remember({ userId, deviceId, scope: scopeOf(row), txnId }, { id, nid }, now)]
      })
      progress.came('transactions of clients', known.length)
      const [first] = known
      return first === undefined
        ? []
        : [{ prepared: first.prepared, rows: known.flatMap(statement => [...statement.rows]) }]
    }
  },
})

/** What it is called here, as in `rooms/sending.ts`. */
const scopeOf = ({ room_id: roomId, type, redacts }: TransactionRow): string =>
  type === 'm.room.redaction' && redacts !== null ? `redact ${roomId} ${redacts}` : `send ${roomId} ${type}`
