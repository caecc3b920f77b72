import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { AtMost } from '../../network/at-most.ts'
import type { PusherRow } from '../../storage/push/pushers.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { busyWorker, PUSHER } from '../../test-kit/push-workers.ts'
import { PushWorker } from './push-worker.ts'
import type { WorkerContext } from './worker-context.ts'

test('what is read while the gateway is told has the badge told anew', async t => {
  const told: number[] = []
  let unread = 2
  let answer = Promise.withResolvers<string[]>()
  const context = {
    db: { position: () => 0 },
    gateway: {
      notify: async (_: string, { counts }: { counts: { unread?: number } }) => {
        told.push(counts.unread ?? 0)
        return answer.promise
      },
    },
    pushers: { read: { one: async () => PUSHER } },
    actions: { missedCalls: async () => 0 },
    unread: { badge: async () => unread },
    ...{ counted: () => 0, reading: new AtMost(1) },
    ...{ clock: new FakeClock(), log: silentLog, random: () => 0, closing: new AbortController().signal },
  } as unknown as WorkerContext
  const worker = new PushWorker(context, PUSHER)
  worker.badgeChanged()
  await eventually('the gateway is told', () => told.length === 1)
  unread = 1
  worker.badgeChanged()
  const first = answer
  answer = Promise.withResolvers()
  first.resolve([])
  await eventually('and once more', () => told.length === 2)
  answer.resolve([])
  await worker.settled
  t.deepEqual(told, [2, 1])
})

test('whoever is set again while a gateway does not answer is told at once, where it is now', async t => {
  const told: string[] = []
  let row: PusherRow | undefined = PUSHER
  const worker = busyWorker({
    one: () => row,
    notify: async url => {
      told.push(url)
      if (url !== 'https://new.test') throw new Error('gone')
      row = undefined
      return []
    },
  })
  worker.wake()
  await eventually('the gateway is asked', () => told.length === 1)
  worker.renewed(PUSHER)
  row = { ...PUSHER, updatedTs: 1, data: '{"url":"https://new.test"}' }
  worker.renewed(row)
  await worker.settled
  t.deepEqual(told.slice(0, 2), ['https://gateway.test', 'https://new.test'])
})

test('who has removed a pusher is told no more of what has piled up', async t => {
  let told = 0
  const worker = busyWorker({
    one: () => (told < 3 ? PUSHER : undefined),
    notify: async () => {
      told += 1
      return []
    },
  })
  worker.wake()
  await worker.settled
  t.is(told, 20)
})

test('a failure of the database is none of the gateway, and counts not as one', async t => {
  const told: string[] = []
  const clock = new FakeClock()
  let failures = 0
  let notified = 0
  const worker = busyWorker({
    one: () => {
      if (failures++ < 3) throw new Error('the database is busy')
      return notified > 0 ? undefined : PUSHER
    },
    notify: async () => {
      notified += 1
      return []
    },
    clock,
    troubles: { failed: () => told.push('gateway'), unserved: (_, error) => told.push(String(error)) },
  })
  worker.wake()
  for (let tries = 1; tries <= 3; tries++) {
    await eventually('it waits', () => told.length === tries && clock.sleeping > 0)
    await clock.advance(10_000)
  }
  await worker.settled
  t.deepEqual(
    told,
    Array.from({ length: 3 }, () => 'Error: the database is busy'),
  )
  t.is(notified, 20)
})

test('whose account is locked is told nothing, nor later of what came meanwhile', async t => {
  const reached: number[] = []
  let [isLocked, told] = [true, 0]
  const worker = busyWorker({
    one: () => ({ ...PUSHER, isLocked }) as PusherRow,
    notify: async () => {
      told += 1
      return []
    },
    reached: ({ events }) => reached.push(events),
  })
  worker.wake()
  await worker.settled
  isLocked = false
  worker.wake()
  await worker.settled
  t.deepEqual(reached, [1_000])
  t.is(told, 0)
})

test('what is gone has the badge say less, and never more: what has come is told by its notification', async t => {
  const told: { event?: string; unread: number }[] = []
  let [unread, upTo] = [1, 1]
  const worker = busyWorker({
    one: () => PUSHER,
    notify: async (_, { event_id: event, counts }) => {
      told.push({ ...(event === undefined ? {} : { event }), unread: counts?.unread ?? 0 })
      return []
    },
    badge: () => unread,
    upTo: () => upTo,
  })
  worker.wake()
  await worker.settled
  unread = 2
  upTo = 2
  worker.relieved()
  await worker.settled
  worker.wake()
  await worker.settled
  unread = 0
  worker.relieved()
  await worker.settled
  t.deepEqual(told, [{ event: '$1', unread: 1 }, { event: '$2', unread: 2 }, { unread: 0 }])
})
