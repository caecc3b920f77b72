import test from 'ava'
import { silentLog } from '../../core/log.ts'
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
    counted: () => 0,
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
