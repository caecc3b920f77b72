import type { SqlParameter } from '../../../storage/database.ts'
import { BulkInsert } from '../../../storage/synapse/bulk-insert.ts'
import { Places } from '../../../storage/synapse/rooms/places.ts'
import type { ImportStep } from '../step.ts'
import { tableStep } from '../table-step.ts'

interface ReportRow {
  readonly id: number
  readonly received_ts: number
  readonly user_id: string
  readonly room_id?: string
  readonly event_id?: string
  readonly target_user_id?: string
  readonly reason: string | null
}

const COLUMNS = [
  ...['report_id', 'report_nr', 'kind', 'reporter', 'room_id', 'event_id', 'user_id', 'reason', 'created_ts'],
]

/** Reports are told apart by the instant and these: there are three tables of them. */
const KINDS = [
  { kind: 'event', table: 'event_reports', columns: ['room_id', 'event_id'], nr: 1 },
  { kind: 'room', table: 'room_reports', columns: ['room_id'], nr: 2 },
  { kind: 'user', table: 'user_reports', columns: ['target_user_id'], nr: 3 },
] as const

/** What users have reported to the administrators. */
export const reportSteps: readonly ImportStep[] = KINDS.map(({ kind, table, columns, nr }) =>
  tableStep<ReportRow>({
    name: `reports of ${kind}s`,
    table,
    query: () => ({
      from: table,
      columns: ['id', 'received_ts', 'user_id', 'reason', ...columns],
      key: ['id'],
    }),
    begin: ({ db }, progress) => {
      const reports = new BulkInsert(db, 'reports', COLUMNS)
      const places = new Places(db)
      return async rows => {
        const events = await places.events(rows.flatMap(row => row.event_id ?? []))
        progress.came('reports', rows.length)
        return [
          reports.rows(
            rows.map(
              (row): Record<string, SqlParameter> => ({
                report_id: `synapse-${kind}-${row.id}`,
                report_nr: row.received_ts * 1024 + ((row.id * 4 + nr) % 1024),
                ...{ kind, reporter: row.user_id, reason: row.reason, created_ts: row.received_ts },
                ...{ room_id: row.room_id ?? null, event_id: row.event_id ?? null },
                user_id: row.target_user_id ?? events.get(row.event_id ?? '')?.sender ?? null,
              }),
            ),
          ),
        ]
      }
    },
  }),
)
