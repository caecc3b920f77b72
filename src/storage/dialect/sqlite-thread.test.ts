import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import test from 'ava'
import { SqliteThread } from './sqlite-thread.ts'

test('a thread that nobody asks anything ends, and another answers what is asked later', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const thread = new SqliteThread('reader-worker', () => 'SELECT 1 AS one', { idleMs: 1 })
  for (const _ of ['first', 'second']) {
    const started = once(process, 'worker')
    const answer = await thread.request(['read', join(directory, 'any.db'), [[0, []]]], [0])
    t.deepEqual(answer, [{ names: ['one'], values: [1] }])
    const [worker] = (await started) as [Worker]
    const ended = once(worker, 'exit')
    // A thread that has nothing to do does not keep the process alive until it ends.
    worker.ref()
    await ended
  }
})
