import test from 'ava'
import { POSITIONS_PER_IMPORTED } from '../../core/imported-token.ts'
import { FollowedStreams } from '../../storage/followed-streams.ts'
import { imported, testImports } from '../../test-kit/synapse.ts'
import { SYNAPSE_TABLES } from '../../test-kit/synapse-tables.ts'
import { waitingAppServices } from './app-services.ts'

testImports(test, 'bridges are told again of what they have not taken', async (t, db, open, config) => {
  const source = await open(
    {
      events: [3, 5, 7, -2].map(n => ({ event_id: `$${n}`, stream_ordering: n })),
      application_services_txns: [
        { as_id: 'irc', txn_id: 9, event_ids: '["$7"]' },
        { as_id: 'irc', txn_id: 8, event_ids: '["$5","$7","$-2"]' },
        { as_id: 'odd', txn_id: 1, event_ids: '[]' },
        { as_id: 'broken', txn_id: 1, event_ids: '{' },
        { as_id: 'gone', txn_id: 1, event_ids: '["$nowhere"]' },
      ],
    },
    { ...SYNAPSE_TABLES, events: 'event_id text, stream_ordering bigint' },
  )
  const { came } = await imported({ db, source, config }, [waitingAppServices])
  t.deepEqual(came, { 'bridges that are told again of what they have not taken': 1 })
  const followed = new FollowedStreams(db)
  t.is(await followed.known('appservice irc events'), 5 * POSITIONS_PER_IMPORTED - 1)
  t.is(await followed.known('appservice odd events'), undefined)
})
