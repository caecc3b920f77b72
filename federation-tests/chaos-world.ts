import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { freePort } from '../bench/free-port.ts'
import type { ThrowawayPostgres } from '../scripts/postgres.ts'
import { PostgresProxy } from '../src/test-kit/postgres-proxy.ts'
import { startTestServer } from '../src/test-kit/server.ts'
import { connector, WorkerProcesses } from '../src/test-kit/worker-processes.ts'
import { federatedNet } from './federated-servers.ts'

/** The processes over a database of their own, behind a line that can be cut; and a server elsewhere that nothing happens to. */
export const startWorld = async (
  t: ExecutionContext,
  postgres: ThrowawayPostgres,
  options: {
    /** The names of both servers. */
    readonly here: string
    readonly there: string
    readonly workers: number
    /** How long leases last. */
    readonly leaseMs: number
  },
) => {
  const { here: ours, there: theirs, workers, leaseMs } = options
  t.teardown(postgres.stop)
  const directory = mkdtempSync(join(tmpdir(), 'tessera-chaos-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const net = await federatedNet(t, [ours, theirs])
  const calm = await startTestServer({ serverName: theirs, settings: await net.settingsOf(theirs) })
  t.teardown(calm.close)
  const line = await PostgresProxy.start(t, postgres.url)
  const here = await WorkerProcesses.start(t, {
    directory,
    workers,
    settings: {
      // A fixed one: where all workers die at once, those after them would get another.
      ...(await net.settingsOf(ours, { port: net.portOf(ours), clientPort: await freePort() })),
      server_name: ours,
      database: { url: line.url, max_connections: 3, lease: leaseMs },
      registration: { mode: 'open' },
      passwords: { hashing: { memory: '8K', iterations: 1 } },
      rate_limits: { enabled: false },
      logging: { format: 'json', level: 'info' },
    },
  })
  return { here, there: connector(() => calm.url), line }
}
