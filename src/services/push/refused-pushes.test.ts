import test from 'ava'
import { GatewayError } from '../../network/push-gateway.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { busyWorker, PUSHER } from '../../test-kit/push-workers.ts'

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
