import test from 'ava'
import { silentLog } from '../core/log.ts'
import { eventually } from '../test-kit/eventually.ts'
import { FakeWorker } from '../test-kit/fake-worker.ts'
import type { Cluster } from './cluster.ts'
import { Supervisor } from './supervisor.ts'

const setting = (fails: (worker: FakeWorker) => boolean = () => false) => {
  const workers: FakeWorker[] = []
  const cluster: Cluster = {
    fork: number => {
      const worker = new FakeWorker(number, workers.length + 1)
      workers.push(worker)
      setImmediate(() => (fails(worker) ? worker.end(78) : worker.listen()))
      return worker
    },
  }
  const alive = (): number[] => workers.filter(one => one.isAlive).map(one => one.pid)
  const errors: object[] = []
  const log = { ...silentLog, error: (fields: object) => void errors.push(fields) }
  return { workers, alive, errors, supervisor: new Supervisor({ cluster, count: 3, log }) }
}

test('the first worker prepares what there is to prepare; all are stopped together', async t => {
  const { workers, alive, supervisor } = setting()
  const started = supervisor.start()
  t.is(workers.length, 1)
  t.deepEqual(await started, { urls: ['http://here'] })
  t.deepEqual(alive(), [1, 2, 3])
  await supervisor.stop()
  t.deepEqual(alive(), [])
})

test('if one cannot start none does', async t => {
  const { alive, supervisor } = setting(({ pid }) => pid === 2)
  t.deepEqual(await supervisor.start(), { failed: 78 })
  t.deepEqual(alive(), [])
})

test('who dies is replaced, and another takes over what they held', async t => {
  const { workers, alive, errors, supervisor } = setting()
  await supervisor.start()
  workers[0]?.end(undefined)
  await eventually('it is replaced', () => alive().length === 3)
  t.like(errors[0], { worker: 1, signal: 'SIGKILL' })
  t.deepEqual(
    workers.flatMap(one => one.orders.filter(({ type }) => type === 'died')),
    [{ type: 'died', id: 'process 1' }],
  )
  t.is(workers[3]?.number, 1)
  await supervisor.stop()
  t.deepEqual(alive(), [])
})

test('each is replaced once its successor listens; while one does not, the old ones go on', async t => {
  let isBroken = false
  const { workers, alive, supervisor } = setting(() => isBroken)
  await supervisor.start()
  let fewest = Number.POSITIVE_INFINITY
  for (const worker of workers) {
    const { order } = worker
    worker.order = given => {
      fewest = Math.min(fewest, alive().length)
      order.call(worker, given)
    }
  }
  await supervisor.roll()
  t.deepEqual(alive(), [4, 5, 6])
  t.is(fewest, 4)
  isBroken = true
  await supervisor.roll()
  t.deepEqual(alive(), [4, 5, 6])
  await supervisor.stop()
})

test('who dies while a successor starts is not replaced twice', async t => {
  const { workers, alive, supervisor } = setting()
  await supervisor.start()
  const rolling = supervisor.roll()
  t.is(workers.length, 4)
  workers[0]?.end(undefined)
  await rolling
  // Whoever replaces that one has come after whoever would have replaced the first.
  workers[4]?.end(undefined)
  await eventually('it is replaced', () => alive().length >= 3)
  t.deepEqual(alive(), [4, 6, 7])
  await supervisor.stop()
})

test('who dies while a successor starts that fails is replaced all the same', async t => {
  let isBroken = false
  const { workers, alive, supervisor } = setting(() => isBroken)
  await supervisor.start()
  isBroken = true
  const rolling = supervisor.roll()
  workers[0]?.end(undefined)
  await rolling
  isBroken = false
  await eventually('it is replaced', () => alive().length === 3)
  await supervisor.stop()
  t.deepEqual(alive(), [])
})

test('once they are to stop no further worker is started, and those that are being replaced end, too', async t => {
  const early = setting()
  const starting = early.supervisor.start()
  const stopped = early.supervisor.stop()
  await starting
  await stopped
  t.is(early.workers.length, 1)
  t.deepEqual(early.alive(), [])
  const { alive, supervisor } = setting()
  await supervisor.start()
  void supervisor.roll()
  await supervisor.stop()
  t.deepEqual(alive(), [])
})

test('the figures of all are given to the one who asks', async t => {
  const { workers, supervisor } = setting()
  await supervisor.start()
  workers[1]?.tell({ type: 'all figures', query: 7 })
  await eventually('they come', () => workers[1]?.orders.some(({ type }) => type === 'all figures') === true)
  t.deepEqual(workers[1]?.orders.at(-1), {
    type: 'all figures',
    query: 7,
    figures: [{ of: 1 }, { of: 2 }, { of: 3 }],
  })
  await supervisor.stop()
})
