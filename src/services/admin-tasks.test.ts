import test from 'ava'
import { MatrixError } from '../core/errors.ts'
import { silentLog } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import { testDatabases } from '../test-kit/database.ts'
import { eventually } from '../test-kit/eventually.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { AdminTasks, type TaskAction } from './admin-tasks.ts'

const HOUR = 3_600_000

const tasksOver = (database: Database, clock: FakeClock, actions: Record<string, TaskAction>): AdminTasks => {
  let counter = 0
  const random = (size: number) => new Uint8Array(size).fill(++counter)
  return new AdminTasks({ database, clock, log: silentLog, random, actions })
}

testDatabases(test, 'tasks are done once, in turn, and known afterwards', async (t, database) => {
  const clock = new FakeClock()
  const done: string[] = []
  const work: TaskAction = async ({ task, report }) => {
    done.push(`${task.resourceId} ${String(task.params['n'])}`)
    await report({ half: true })
    return { result: { n: task.params['n'] ?? null } }
  }
  const refuse: TaskAction = async ({ report }) => {
    await report({ half: true })
    throw new MatrixError('M_FORBIDDEN', 'not that')
  }
  // Two processes look at the same table.
  const [first, second] = [1, 2].map(() => tasksOver(database, clock, { work, refuse }))
  if (first === undefined || second === undefined) return
  const ids = [await first.schedule('work', 'room', { n: 1 }), await first.schedule('work', 'room', { n: 2 })]
  await clock.advance(1)
  const refused = await first.schedule('refuse', 'room', {})
  const unknown = await first.schedule('dance', 'other', {})
  t.like(await first.one(refused), { status: 'scheduled', result: undefined })
  t.like(await first.open('room', 'work'), { action: 'work' })
  for (const each of [first, second]) each.start()
  t.teardown(() => Promise.all([first.close(), second.close()]))
  const isOver = async (id: string) => ['complete', 'failed'].includes((await second.one(id))?.status ?? '')
  for (const id of [...ids, refused, unknown]) await eventually('they are over', () => isOver(id))
  t.deepEqual(done.toSorted(), ['room 1', 'room 2'])
  t.like(await second.one(ids[0] ?? ''), { status: 'complete', result: { n: 1 }, error: undefined })
  t.like(await second.one(refused), { status: 'failed', result: { half: true }, error: 'not that' })
  t.like(await second.one(unknown), { status: 'failed' })
  t.is(await first.open('room', 'work'), undefined)
  const listed = async (query: Parameters<AdminTasks['list']>[0]) =>
    (await first.list(query)).map(({ taskId }) => taskId)
  t.deepEqual((await listed({ actions: ['work'] })).toSorted(), ids.toSorted())
  t.deepEqual(await listed({ statuses: ['failed'], resourceId: 'room' }), [refused])
  t.deepEqual((await listed({ until: clock.now() - 1 })).toSorted(), ids.toSorted())
})

testDatabases(test, 'what fails for reasons of its own is tried again, for a day', async (t, database) => {
  const clock = new FakeClock()
  let attempts = 0
  const fail: TaskAction = async () => {
    attempts += 1
    throw new Error('the disk is full')
  }
  const tasks = tasksOver(database, clock, { fail })
  tasks.start()
  t.teardown(() => tasks.close())
  const id = await tasks.schedule('fail', 'room', {})
  await eventually('it was tried', () => attempts === 1)
  t.like(await tasks.one(id), { status: 'active' })
  await eventually('it was tried again', async () => {
    await clock.advance(60_000)
    return attempts > 1
  })
  await clock.advance(24 * HOUR)
  await eventually('it is given up', async () => {
    await clock.advance(60_000)
    return (await tasks.one(id))?.status === 'failed'
  })
  t.is((await tasks.one(id))?.error, 'it failed again and again')
})

testDatabases(test, 'what a stop interrupts goes on from what was reported', async (t, database) => {
  const clock = new FakeClock()
  const begun = Promise.withResolvers<void>()
  const count: TaskAction = async ({ task, signal, report }) => {
    const n = Number(task.result?.['n'] ?? 0) + 1
    await report({ n })
    if (n > 1) return { result: { n } }
    begun.resolve()
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    return { result: { n }, laterTs: clock.now() }
  }
  const before = tasksOver(database, clock, { count })
  before.start()
  const id = await before.schedule('count', 'room', {})
  await begun.promise
  await before.close()
  t.like(await before.one(id), { status: 'active', result: { n: 1 } })
  const after = tasksOver(database, clock, { count })
  after.start()
  t.teardown(() => after.close())
  await eventually('it is done', async () => (await after.one(id))?.status === 'complete')
  t.deepEqual((await after.one(id))?.result, { n: 2 })
})
