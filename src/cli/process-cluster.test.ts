import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'

const MODULE = new URL('process-cluster.ts', import.meta.url).href

test('orders to a worker that was killed just now do not end the supervisor', async t => {
  const script = join(temporaryDirectory(t), 'supervisor.mjs')
  writeFileSync(
    script,
    `import { processCluster } from ${JSON.stringify(MODULE)}
     const { supervision, fork } = processCluster()
     if (supervision !== undefined) {
       supervision.report({ type: 'listening', id: 'x', urls: [] })
       setInterval(() => undefined, 1000)
     } else {
       const worker = fork(1)
       worker.onExit(({ signal }) => setImmediate(() => console.log('it has ended by', signal)))
       worker.onReport(() => {
         worker.kill()
         // Long enough for it to be gone, while nothing is heard of that.
         Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
         worker.order({ type: 'figures', query: 1 })
         worker.order({ type: 'died', id: 'y' })
       })
     }`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    script,
  ])
  t.is(stdout, 'it has ended by SIGKILL\n')
})

test('a worker that cannot be started is told of, and does not end the supervisor', async t => {
  const script = join(temporaryDirectory(t), 'supervisor.mjs')
  writeFileSync(
    script,
    `import { processCluster } from ${JSON.stringify(MODULE)}
     process.execPath = '/nowhere/node'
     const worker = processCluster().fork(1)
     worker.order({ type: 'stop' })
     worker.kill()
     worker.onExit(({ code, error }) => console.log(code, error.code))`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    script,
  ])
  t.is(stdout, 'undefined ENOENT\n')
})
