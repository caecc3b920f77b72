import test from 'ava'
import { createMetrics } from './index.ts'

test('what is counted can be read as Prometheus text', async t => {
  const metrics = createMetrics({ process: false })
  metrics.http.answered({ operationId: 'sync', method: 'GET', status: 200, milliseconds: 30 })
  metrics.http.answered({ operationId: 'sync', method: 'GET', status: 200, milliseconds: 20 })
  metrics.http.answered({ operationId: undefined, method: 'BREW', status: 404, milliseconds: 1 })
  metrics.database.committed(3, 4)
  metrics.rooms.stored('local')
  metrics.federation.sent('ok', 50, 2, 100)
  metrics.federation.sent('failed', 50, 2, 100)
  metrics.federation.received(1, 0)
  metrics.federation.judged('soft-failed')
  metrics.sync.waiting(1)
  metrics.sync.waiting(1)
  metrics.sync.waiting(-1)
  const lines = (await metrics.text()).split('\n')
  for (const expected of [
    'tessera_http_requests_total{operation="sync",method="GET",status="200"} 2',
    'tessera_http_request_seconds_sum{operation="sync"} 0.05',
    'tessera_http_requests_total{operation="other",method="any",status="404"} 1',
    'tessera_http_request_seconds_bucket{le="0.01",operation="sync"} 0',
    'tessera_http_request_seconds_bucket{le="0.025",operation="sync"} 1',
    'tessera_http_request_seconds_bucket{le="+Inf",operation="sync"} 2',
    'tessera_http_request_seconds_count{operation="sync"} 2',
    'tessera_http_request_seconds_count{operation="other"} 1',
    '# TYPE tessera_http_request_seconds histogram',
    'tessera_database_commit_sets_bucket{le="2"} 0',
    'tessera_database_commit_sets_bucket{le="4"} 1',
    'tessera_database_commit_sets_count 1',
    'tessera_database_commit_sets_sum 3',
    'tessera_database_commit_seconds_sum 0.004',
    'tessera_events_stored_total{origin="local"} 1',
    'tessera_federation_units_total{direction="out",kind="pdu"} 50',
    'tessera_federation_transactions_total{direction="out",result="failed"} 1',
    'tessera_federation_pdus_judged_total{verdict="soft-failed"} 1',
    'tessera_sync_waiting 1',
  ]) {
    t.true(lines.includes(expected), expected)
  }
  t.regex(metrics.contentType, /^text\/plain/)
})

test('two servers in one process count for themselves; the process is measured where wanted', async t => {
  const [one, other] = [createMetrics({ process: true }), createMetrics({ process: false })]
  one.rooms.stored('remote')
  t.false((await other.text()).includes('origin="remote"'))
  t.regex(await one.text(), /nodejs_eventloop_lag_seconds/)
})

test('what several processes count is added up', async t => {
  const processes = [createMetrics({ process: false }), createMetrics({ process: false })]
  for (const { http, rooms, database } of processes) {
    http.answered({ operationId: 'sync', method: 'GET', status: 200, milliseconds: 20 })
    rooms.stored('local')
    database.committed(2, 1)
  }
  const ofAll = (): Promise<object[]> =>
    // As it comes from another process.
    Promise.all(processes.map(async one => JSON.parse(JSON.stringify(await one.figures()))))
  const lines = (await createMetrics({ process: false, ofAll }).text()).split('\n')
  for (const expected of [
    'tessera_http_requests_total{operation="sync",method="GET",status="200"} 2',
    'tessera_http_request_seconds_bucket{le="0.025",operation="sync"} 2',
    'tessera_http_request_seconds_sum{operation="sync"} 0.04',
    'tessera_events_stored_total{origin="local"} 2',
    'tessera_database_commit_sets_count 2',
  ])
    t.true(lines.includes(expected), expected)
})
