import test from 'ava'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import type { Processes } from '../processes.ts'
import { LocalPresence } from './local-presence.ts'

/** Presence by the devices of one process, and what it has judged. */
const createPresence = (clock: FakeClock) => {
  const judged: string[] = []
  const presence = new LocalPresence({
    clock,
    processes: { id: 'one', bulletin: { isAlone: true } } as unknown as Processes,
    judged: (_, judgement) => judged.push(judgement.presence),
  })
  return { presence, judged }
}

test('a device that syncs on and on is not judged at each request, and is gone half a minute after the last', async t => {
  const clock = new FakeClock()
  const { presence, judged } = createPresence(clock)
  let ended = presence.syncing('@a:x', 'D', 'online')
  for (let second = 0; second < 20; second++) {
    await clock.advance(1_000)
    ended()
    ended = presence.syncing('@a:x', 'D', 'online')
  }
  t.deepEqual(judged, ['online', 'online'], 'when it came, and when it might have been about to go')
  await clock.advance(40_000)
  t.true(
    judged.every(each => each === 'online'),
    'it waits still',
  )
  ended()
  await clock.advance(29_000)
  t.is(judged.at(-1), 'online')
  await clock.advance(1_200)
  t.is(judged.at(-1), 'offline')

  presence.syncing('@a:x', 'D', 'online')
  t.is(judged.at(-1), 'online', 'whoever comes back is there at once')
  presence.syncing('@a:x', 'D', 'unavailable')
  t.is(judged.at(-1), 'unavailable', 'and what they choose counts')
  await presence.close()
})

test('one that syncs on and on without being seen is judged no more often', async t => {
  const clock = new FakeClock()
  const { presence, judged } = createPresence(clock)
  for (let second = 0; second < 20; second++) {
    const ended = presence.syncing('@a:x', 'D', 'offline')
    await clock.advance(1_000)
    ended()
  }
  t.deepEqual(judged, ['offline', 'offline'])
  presence.active('@a:x', 'D')
  t.deepEqual(judged, ['offline', 'offline'], 'and does not show itself by what it does')
  presence.syncing('@a:x', 'D', 'online')
  t.is(judged.at(-1), 'online')
  await presence.close()
})
