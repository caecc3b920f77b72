import test from 'ava'
import type { Log } from '../../../core/log.ts'
import { silentLog } from '../../../core/log.ts'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import { DroppedEvents } from './dropped-events.ts'

test('a server whose events cannot be taken is told of now and then, not for each', async t => {
  const clock = new FakeClock()
  const lines: unknown[] = []
  const log: Log = { ...silentLog, info: fields => lines.push(fields) }
  const dropped = new DroppedEvents(clock, log)
  const one = { eventId: '$one', refusal: 'not signed' }
  const tell = (events: readonly { eventId?: string; refusal: string }[]) =>
    dropped.dropped('bad.test', '!room', events)
  tell([])
  tell([one, { refusal: 'not an object' }])
  for (let index = 0; index < 100; index++) tell([one])
  dropped.dropped('other.test', '!room', [one])
  await clock.advance(600_000)
  tell([one])
  const facts = { room: '!room', event: '$one', reason: 'not signed' }
  t.deepEqual(lines, [
    { ...facts, origin: 'bad.test', events: 2 },
    { ...facts, origin: 'other.test', events: 1 },
    { ...facts, origin: 'bad.test', events: 1, earlier: 100 },
  ])
})
