import { POSITIONS_PER_IMPORTED } from '../../core/imported-token.ts'
import { appServiceFollows, FollowedStreams } from '../../storage/followed-streams.ts'
import { placeholders } from '../../storage/synapse/source.ts'
import { jsonOf } from './readable.ts'
import { tableStep } from './table-step.ts'

interface WaitingRow {
  readonly as_id: string
  readonly event_ids: string
}

/**
 * What application services (bridges) have not taken yet: each is told again of everything from the first of it on, which it has to bear ("at least
 * once"). Those for which nothing waits are told of what comes from now on.
 */
export const waitingAppServices = tableStep<WaitingRow>({
  name: 'bridges',
  table: 'application_services_txns',
  query: () => ({
    from: 'application_services_txns t',
    columns: ['t.as_id AS as_id', 't.event_ids AS event_ids'],
    key: [{ column: 't.as_id', name: 'as_id' }],
    where: 't.txn_id = (SELECT min(o.txn_id) FROM application_services_txns o WHERE o.as_id = t.as_id)',
  }),
  begin: ({ db, source }, progress) => {
    const followed = new FollowedStreams(db)
    return async rows => {
      const statements = []
      for (const { as_id, event_ids } of rows) {
        const ids = jsonOf(event_ids)
        const named = Array.isArray(ids) ? ids.filter(id => typeof id === 'string') : []
        const first =
          named.length === 0
            ? undefined
            : await source.get<{ at: number | null }>(
                `SELECT min(stream_ordering) AS at FROM events WHERE event_id IN (${placeholders(named)})
                   AND stream_ordering > 0`,
                named,
              )
        if (first?.at === undefined || first.at === null) continue
        progress.came('bridges that are told again of what they have not taken')
        const before = first.at * POSITIONS_PER_IMPORTED - 1
        statements.push(followed.reached(appServiceFollows(as_id, 'events'), before))
      }
      return statements
    }
  },
})
