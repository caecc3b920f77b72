import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { AtMost } from '../../network/at-most.ts'
import { GatewayError } from '../../network/push-gateway.ts'
import type { PushAction } from '../../storage/push/push-action.ts'
import type { PusherRow } from '../../storage/push/pushers.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { PushWorker } from './push-worker.ts'
import type { WorkerContext } from './worker-context.ts'

const PUSHER = {
  ...{ userId: '@a:x', appId: 'app', pushkey: 'key', kind: 'http', updatedTs: 0 },
  ...{ data: '{"url":"https://gateway.test"}', eventPosition: 0, invitePosition: 0 },
} as PusherRow

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

/** A worker whose user has more than enough that was never told. */
const busyWorker = (parts: {
  one: () => PusherRow | undefined
  notify: (url: string, notification: { readonly event_id?: string }) => Promise<string[]>
  /** The last event that notifies. */
  upTo?: () => number
  clock?: FakeClock
  troubles?: WorkerContext['troubles']
  reached?: (at: { events: number }) => void
}) => {
  const { one, notify, upTo = () => 1_000, clock = new FakeClock(), troubles, reached } = parts
  const context = {
    db: { position: upTo, commit: async () => ({ ok: true }) },
    gateway: { notify },
    pushers: {
      read: { one: async () => one() },
      write: { reached: (_: unknown, at: { events: number }) => reached?.(at) },
    },
    actions: {
      missedCalls: async () => 0,
      unreadAfter: async (_: string, { after, limit }: { after: number; limit: number }) =>
        Array.from({ length: Math.min(limit, upTo() - after) }, (__, index) => ({
          position: after + index + 1,
        })),
    },
    invitations: { someChanged: async () => ({ rows: [], upTo: upTo() }) },
    announcements: {
      ofEvent: async ({ position }: PushAction) => ({
        eventId: `$${position}`,
        content: {},
        actions: ['notify'],
      }),
    },
    unread: { badge: async () => 1 },
    ...{ counted: upTo, reading: new AtMost(1), troubles: troubles ?? { failed: () => undefined } },
    ...{ clock, log: silentLog, random: () => 0, closing: new AbortController().signal },
  } as unknown as WorkerContext
  return new PushWorker(context, PUSHER)
}

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

/** A worker with some to tell, whose gateway refuses some of it by a status. */
const refusedWorker = (parts: { refused: (eventId: string) => number | undefined; upTo: () => number }) => {
  const told: string[] = []
  const clock = new FakeClock()
  const worker = busyWorker({
    one: () => PUSHER,
    notify: async (_, { event_id: eventId }) => {
      told.push(String(eventId))
      const status = parts.refused(String(eventId))
      if (status !== undefined) throw new GatewayError(status)
      return []
    },
    ...{ clock, upTo: parts.upTo },
  })
  return { worker, told, clock }
}

test('what a gateway refuses is passed over as soon as it takes another', async t => {
  let upTo = 1
  const { worker, told, clock } = refusedWorker({
    refused: eventId => (eventId === '$1' ? 413 : undefined),
    upTo: () => upTo,
  })
  worker.wake()
  await eventually('it waits', () => clock.sleeping > 0)
  t.deepEqual(told, ['$1'])
  upTo = 3
  worker.wake()
  await worker.settled
  t.deepEqual(told, ['$1', '$1', '$2', '$3'])
})

test('a gateway that takes nothing is not sent all there is, and is sent all of it later', async t => {
  let isAway = true
  const { worker, told, clock } = refusedWorker({
    refused: () => (isAway ? 404 : undefined),
    upTo: () => 8,
  })
  worker.wake()
  await eventually('it waits', () => clock.sleeping > 0)
  t.deepEqual(told.splice(0), ['$1', '$2', '$3', '$4', '$5'])
  // Another notification is no reason to send these anew: it would not be its turn.
  worker.wake()
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  t.deepEqual(told, [])
  isAway = false
  await clock.advance(10_000)
  await worker.settled
  t.deepEqual(
    told.filter(id => id !== 'undefined'),
    ['$1', '$2', '$3', '$4', '$5', '$6', '$7', '$8'],
  )
})

test('a gateway that cannot take anything just now is asked again for the same', async t => {
  let isBusy = true
  const { worker, told, clock } = refusedWorker({
    refused: () => (isBusy ? 429 : undefined),
    upTo: () => 2,
  })
  worker.wake()
  await eventually('it waits', () => clock.sleeping > 0)
  worker.wake()
  t.deepEqual(told, ['$1'])
  isBusy = false
  await clock.advance(10_000)
  await worker.settled
  t.deepEqual(
    told.filter(id => id !== 'undefined'),
    ['$1', '$1', '$2'],
  )
})

test('a gateway that knows no badges is told of none again and again', async t => {
  let upTo = 0
  const { worker, told, clock } = refusedWorker({
    refused: eventId => (eventId === 'undefined' ? 400 : undefined),
    upTo: () => upTo,
  })
  worker.badgeChanged()
  await worker.settled
  t.is(clock.sleeping, 0)
  upTo = 1
  worker.wake()
  await worker.settled
  t.deepEqual(told, ['undefined', '$1'])
})

test('what a gateway refused is no longer sent once it is read, and the badge is told', async t => {
  let unread = 1
  const { worker, told, clock } = refusedWorker({
    refused: eventId => (eventId === '$1' ? 413 : undefined),
    upTo: () => unread,
  })
  worker.wake()
  await eventually('it waits', () => clock.sleeping > 0)
  unread = 0
  worker.badgeChanged()
  await worker.settled
  t.deepEqual(told, ['$1', 'undefined'])
})
