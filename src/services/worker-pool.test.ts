import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import test from 'ava'
import type { VerifyFinding, VerifyJob } from './federation/verify-job.ts'
import { WorkerPool } from './worker-pool.ts'

const ENTRY = new URL('federation/verify-worker.ts', import.meta.url)

test('threads answer, tell what went wrong, end when there is nothing to do, and start again', async t => {
  const pool = new WorkerPool<VerifyJob, VerifyFinding[]>(ENTRY, { threads: 1, idleMs: 1 })
  for (const _ of ['first', 'second']) {
    const started = once(process, 'worker')
    const [findings, error] = await Promise.all([
      pool.run({ version: '11', options: {}, events: [{ text: '{', keys: [] }] }),
      t.throwsAsync(pool.run({ version: 'none', options: {}, events: [] })),
    ])
    t.is(findings.length, 1)
    t.is(error?.message, 'room version none is not known')
    const [worker] = (await started) as [Worker]
    const ended = once(worker, 'exit')
    // A thread that has nothing to do does not keep the process alive until it ends.
    worker.ref()
    await ended
  }
})
