import test from 'ava'
import { silentLog } from '../../core/log.ts'
import type { Database, StreamName } from '../../storage/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { type Follower, Notifier } from './notifier.ts'

/** A database of which only the positions are looked at. */
class Positions {
  readonly positions = new Map<StreamName, number>()
  #listener: (() => void) | undefined

  position(stream: StreamName): number {
    return this.positions.get(stream) ?? 0
  }

  onCommit(listener: () => void): () => void {
    this.#listener = listener
    return () => {
      this.#listener = undefined
    }
  }

  move(stream: StreamName, position: number): void {
    this.positions.set(stream, position)
    this.#listener?.()
  }

  get isHeard(): boolean {
    return this.#listener !== undefined
  }
}

const setUp = (followers: readonly Follower[]) => {
  const db = new Positions()
  const clock = new FakeClock()
  const notifier = new Notifier({ db: db as unknown as Database, clock, log: silentLog, followers })
  const wait = (userId: string, ms: number, signal = new AbortController().signal) => {
    const state = { isOver: false }
    const { woken, cancel } = notifier.wait(userId, clock.now() + ms, signal)
    const over = woken.then(() => {
      state.isOver = true
    })
    return { state, over, cancel }
  }
  return { db, clock, notifier, wait }
}

const concerning = (...users: string[]): Follower => ({ stream: 'events', follow: async () => users })

test('a commit wakes those whom a follower names, and nobody else', async t => {
  const { db, notifier, wait } = setUp([concerning('@a:x')])
  const ann = wait('@a:x', 1000)
  const bob = wait('@b:x', 1000)
  db.move('events', 1)
  await ann.over
  await notifier.caughtUp()
  t.false(bob.state.isOver)
  t.is(notifier.waiting, 1)
  bob.cancel()
  t.is(notifier.waiting, 0)
})

test('whoever was woken for nothing is woken again, by what came since they looked once more', async t => {
  const { clock, notifier } = setUp([])
  const wait = notifier.wait('@a:x', clock.now() + 1000, new AbortController().signal)
  notifier.wake(['@a:x'])
  await wait.woken
  notifier.wake(['@a:x'])
  t.is(notifier.waiting, 0)
  wait.again()
  t.is(notifier.waiting, 1)
  const { woken } = wait
  notifier.wake(['@a:x', '@a:x'])
  await woken
  t.is(notifier.waiting, 0)
  t.false(wait.isOver)
  wait.again()
  await clock.advance(1100)
  await wait.woken
  t.true(wait.isOver)
  wait.again()
  await wait.woken
  t.is(notifier.waiting, 0, 'what is over stays over')
})

test('of one user nobody waits on, at their end', async t => {
  const { clock, notifier } = setUp([])
  const wait = (userId: string) => notifier.wait(userId, clock.now() + 1000, new AbortController().signal)
  const [first, second, other] = [wait('@a:x'), wait('@a:x'), wait('@b:x')]
  notifier.end('@a:x')
  await Promise.all([first.woken, second.woken])
  t.deepEqual(
    [first, second, other].map(({ isOver }) => isOver),
    [true, true, false],
  )
  t.is(notifier.waiting, 1)
})

test('of one user so many are woken at most; the others are answered neither at once nor much later', async t => {
  const { clock, notifier, wait } = setUp([])
  const others = wait('@b:x', 60_000)
  const short = wait('@a:x', 1000)
  const waits = Array.from({ length: 102 }, () => wait('@a:x', 60_000))
  const [first, second, third] = waits
  const over = () => waits.filter(({ state }) => state.isOver).length
  notifier.wake(['@a:x'])
  await Promise.all(waits.slice(2).map(wait => wait.over))
  t.is(over(), 100)
  t.is(notifier.waiting, 4)
  await clock.advance(1100)
  await short.over
  t.is(over(), 100, 'who is answered at once comes again at once')
  await clock.advance(9000)
  await Promise.all([first?.over, second?.over])
  t.true(third?.state.isOver)
  t.false(others.state.isOver)
  t.is(notifier.waiting, 1)
})

test('who is one too many is let go with all others', async t => {
  const { notifier, wait } = setUp([])
  const leaving = new AbortController()
  const gone = wait('@a:x', 60_000, leaving.signal)
  const ended = wait('@a:x', 60_000)
  for (let n = 0; n < 100; n++) wait('@a:x', 60_000)
  leaving.abort()
  await gone.over
  t.false(ended.state.isOver)
  notifier.end('@a:x')
  await ended.over
  t.is(notifier.waiting, 0)
  const waits = Array.from({ length: 101 }, () => wait('@a:x', 60_000))
  notifier.close()
  await Promise.all(waits.map(({ over }) => over))
  t.is(notifier.waiting, 0)
})

test('commits during a round are covered by one more', async t => {
  const followed: number[] = []
  let release = (): void => undefined
  const gate = new Promise<void>(resolve => {
    release = resolve
  })
  const slow: Follower = {
    stream: 'events',
    follow: async upTo => {
      followed.push(upTo)
      await gate
      return []
    },
  }
  const { db, notifier } = setUp([slow])
  db.move('events', 1)
  await Promise.resolve()
  for (const position of [2, 3, 4]) db.move('events', position)
  release()
  await notifier.caughtUp()
  t.deepEqual(followed, [1, 4])
})

test('a follower that fails neither stops the others nor is taken to have followed', async t => {
  let isBroken = true
  const broken: Follower = {
    stream: 'invites',
    follow: async () => {
      if (isBroken) throw new Error('broken')
      return ['@b:x']
    },
  }
  const { db, notifier, wait } = setUp([broken, concerning('@a:x')])
  const ann = wait('@a:x', 1000)
  const bob = wait('@b:x', 1000)
  db.positions.set('invites', 1)
  db.move('events', 1)
  await ann.over
  t.false(bob.state.isOver)
  isBroken = false
  await notifier.caughtUp()
  await bob.over
  t.pass()
})

test('what could not be followed is followed a little later, though nothing more is committed', async t => {
  let failures = 2
  const broken: Follower = {
    stream: 'events',
    follow: async () => {
      if (failures-- > 0) throw new Error('broken')
      return ['@a:x']
    },
  }
  const { db, clock, wait } = setUp([broken])
  const ann = wait('@a:x', 100_000)
  db.move('events', 1)
  await clock.advance(1_000)
  t.false(ann.state.isOver)
  await clock.advance(1_000)
  await ann.over
  t.pass()
})

test('waits share timers, end a little after their deadline, and end with their signal', async t => {
  const { clock, wait } = setUp([])
  const controller = new AbortController()
  const waits = Array.from({ length: 50 }, (_, n) => wait(`@${n}:x`, 1000 + n))
  const gone = wait('@gone:x', 1000, controller.signal)
  t.true(clock.sleeping <= 2)
  controller.abort()
  await gone.over
  await clock.advance(999)
  t.false(waits.some(({ state }) => state.isOver))
  await clock.advance(201)
  await Promise.all(waits.map(({ over }) => over))
  const late = wait('@late:x', 1000, controller.signal)
  await late.over
  t.pass()
})

test('thousands are woken in slices', async t => {
  const users = Array.from({ length: 1000 }, (_, n) => `@${n}:x`)
  const { notifier, wait } = setUp([])
  const waits = users.map(userId => wait(userId, 1000))
  notifier.wake(users)
  t.true(notifier.waiting > 500, 'the event loop gets its turns in between')
  await Promise.all(waits.map(({ over }) => over))
  t.is(notifier.waiting, 0)
})

test('closing wakes everybody, and nobody can wait any more', async t => {
  const { db, clock, notifier, wait } = setUp([])
  const before = wait('@a:x', 1000)
  notifier.close()
  await before.over
  await wait('@b:x', 1000).over
  t.true(notifier.isClosed)
  t.false(db.isHeard)
  await clock.advance(0)
  t.is(clock.sleeping, 0)
})
