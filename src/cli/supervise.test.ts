import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createFakeHost } from '../test-kit/command-line.ts'
import { logged } from '../test-kit/command-runs.ts'
import { eventually } from '../test-kit/eventually.ts'
import { FakeWorker } from '../test-kit/fake-worker.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { runProgram } from './program.ts'

const SERVE = ['serve', '--workers', '2', '--set', 'database.url=postgres://nobody@localhost/nothing']

/** A server of two workers, which listen once they are let. */
const serving = (
  t: ExecutionContext,
  { cwd = temporaryDirectory(t), flags = [] as string[], line = SERVE } = {},
) => {
  const workers: FakeWorker[] = []
  const host = createFakeHost(cwd, {
    cluster: {
      fork: number => {
        const worker = new FakeWorker(number, workers.length + 1)
        workers.push(worker)
        return worker
      },
    },
  })
  return { host, workers, code: runProgram(host, [...line, ...flags]) }
}

test('what keeps several workers from starting is said in one sentence', async t => {
  const cwd = temporaryDirectory(t)
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'data/server_name'), 'example.org')
  const { host, code, workers } = serving(t, { cwd })
  t.is(await code, 1)
  t.regex(host.err(), /^The data in .*\/data belong to the server example\.org, and .*\n$/)
  t.is(workers.length, 0)
})

test('several workers are warned for as one is, and SIGHUP during the start waits for its end', async t => {
  const { host, code, workers } = serving(t, { flags: ['--set', 'registration.mode=open'] })
  await eventually('the first starts', () => workers.length === 1)
  t.true(
    logged(host).some(({ level, msg }) => level === 'warn' && msg.startsWith('registration.mode is open')),
  )
  host.signal('SIGHUP')
  workers[0]?.listen()
  await eventually('the second starts', () => workers.length === 2)
  workers[1]?.listen()
  await eventually('the first is replaced', () => workers.length === 3)
  host.signal('SIGTERM')
  t.is(await code, 0)
  t.false(workers.some(({ isAlive }) => isAlive))
})

test('settings that are wrong, or say how many workers there are, are told of where several serve', async t => {
  const cwd = temporaryDirectory(t)
  const write = (workers: number | string) =>
    writeFileSync(
      join(cwd, 'homeserver.yaml'),
      `workers: ${workers}\ndatabase: {url: 'postgres://nobody@localhost/nothing'}`,
    )
  write(2)
  const { host, code, workers } = serving(t, { cwd, line: ['serve'] })
  for (const count of [1, 2]) {
    await eventually('one starts', () => workers.length === count)
    workers[count - 1]?.listen()
  }
  await eventually('all listen', () => host.out().includes('all workers listen'))
  write('many')
  host.signal('SIGHUP')
  t.like(logged(host).at(-1), {
    level: 'error',
    msg: 'the new settings are wrong; the old ones stay in effect',
  })
  write(3)
  host.signal('SIGHUP')
  t.like(logged(host).at(-1), { level: 'warn', needRestart: ['workers'] })
  t.is(workers.length, 3, 'they are replaced all the same')
  host.signal('SIGTERM')
  workers[2]?.listen()
  t.is(await code, 0)
  t.false(workers.some(({ isAlive }) => isAlive))
})
