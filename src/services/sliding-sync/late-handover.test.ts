/** What one process asks another for, and gets late: by a board that tells what was posted when the test says so. */
import test from 'ava'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { Connection, type Told } from './connection.ts'
import { Connections } from './connections.ts'
import { Handover } from './handover.ts'

const TOLD: Told = {
  ...{ positions: { events: 1 }, owed: {} },
  rooms: new Map([
    [
      '!a:x',
      {
        ...{ kind: 'joined', upTo: 1, timelineLimit: 1, requiredState: undefined },
        ...{ isDirect: false, members: new Map() },
      },
    ],
  ]),
}
const ME = { userId: '@me:x', deviceId: 'A', name: '' }

type Hear = (content: unknown, position: number) => void

const start = () => {
  const clock = new FakeClock()
  const hearing: [topic: string, hear: Hear][] = []
  const posted: [topic: string, content: unknown][] = []
  const bulletin = {
    isAlone: false,
    on: (topic: string, hear: Hear) => void hearing.push([topic, hear]),
    post: async (topic: string, content: unknown) => void posted.push([topic, content]),
  }
  /** Tells everybody what was posted, and what they say to that. */
  const deliver = (): void => {
    for (let one = posted.shift(); one !== undefined; one = posted.shift())
      for (const [topic, hear] of hearing) if (topic === one[0]) hear(one[1], 1)
  }
  const process = (number: number) => {
    let next = number
    const random = (): number => next++ * 1_000
    const connections = new Connections({ random, now: () => clock.now(), maker: number })
    const handover = new Handover({
      processes: { id: String(number), number, isGone: () => false, bulletin },
      ...{ clock, random, find: (key, serial) => connections.find(key, serial) },
    })
    connections.other = {
      ...connections.other,
      elsewhere: (...wanted) => handover.fetch(...wanted),
      late: (...wanted) => handover.late(...wanted),
    }
    return connections
  }
  const [one, two] = [process(10), process(50)]
  const begun = one.open(ME)
  const pos = begun.answer(begun.serial, TOLD)
  return { clock, deliver, one, two, begun, pos }
}

test('a process that is slow to hand a connection over is waited for where nothing is stored', async t => {
  const { clock, deliver, two, pos } = start()
  const going = two.resume(ME, pos)
  await clock.advance(9_000)
  deliver()
  t.true((await going).rooms.has('!a:x'))
  t.is(clock.sleeping, 0)
})

test('what is stored is taken where another process does not answer at once', async t => {
  const { clock, deliver, two, pos } = start()
  const stored = new Connection({ serial: 5, openedAt: 1 })
  stored.answer(5, TOLD)
  stored.has = () => true
  stored.resume = () => true
  two.other = { ...two.other, stored: async () => stored }
  const going = two.resume(ME, pos)
  await clock.advance(1_000)
  t.is(await going, stored)
  deliver()
  t.is(await two.resume(ME, pos), stored, 'and what comes later takes nothing from it')
})

test('a process that has died and of which nobody knows that is waited for no longer than that', async t => {
  const { clock, two, pos } = start()
  const going = t.throwsAsync(two.resume(ME, pos), { message: /begin anew/ })
  await clock.advance(10_000)
  await going
  t.is(clock.sleeping, 0)
})

test('who asks by a token of before, and is still waiting, keeps nobody from the answer to another', async t => {
  const { clock, deliver, two, begun, pos } = start()
  const stale = pos.replace(/\.c\d+$/, `.c${begun.serial - 1}`)
  const failing = t.throwsAsync(two.resume(ME, stale), { message: /begin anew/ })
  const going = two.resume(ME, pos)
  deliver()
  t.true((await going).rooms.has('!a:x'))
  await clock.advance(10_000)
  await failing
})

test('what another version of this program hands over is not taken', async t => {
  const { clock, deliver, two, begun, pos } = start()
  const snapshot = begun.snapshot()
  begun.snapshot = () => Object.assign(snapshot, { version: 0 })
  const failing = t.throwsAsync(two.resume(ME, pos), { message: /begin anew/ })
  deliver()
  await failing
  t.is(clock.sleeping, 0)
})

test('a connection that went from memory and is not stored yet is handed over', async t => {
  const { deliver, one, two, begun, pos } = start()
  one.other = { ...one.other, leaving: (_, serial) => (begun.has(serial) ? begun : undefined) }
  for (let index = 0; index < 8; index++) one.open({ ...ME, name: String(index) })
  const going = two.resume(ME, pos)
  deliver()
  t.true((await going).rooms.has('!a:x'))
})
