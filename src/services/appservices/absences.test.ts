import test from 'ava'
import type { Database } from '../../storage/database.ts'
import { appServiceFollows, FollowedStreams } from '../../storage/followed-streams.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { Absences } from './absences.ts'

const DAY_MS = 24 * 60 * 60_000

testDatabases(test, 'how far a service was told is forgotten once it was gone for a day', async (t, db) => {
  const clock = new FakeClock()
  const absences = new Absences(db, clock)
  const streams = new FollowedStreams(db)
  const names = ['irc', 'irc 2'].map(id => appServiceFollows(id, 'events'))
  const known = () => Promise.all(names.map(name => streams.known(name)))
  await db.commit({ statements: names.map(name => streams.reached(name, 7)) })
  const both = new Set(['irc', 'irc 2'])

  await absences.note(both)
  await clock.leap(DAY_MS)
  await absences.note(both)
  t.deepEqual(await known(), [7, 7], 'of those that are there nothing is forgotten')

  await absences.note(new Set(['irc']))
  await clock.leap(DAY_MS - 1)
  await absences.note(both)
  t.deepEqual(await known(), [7, 7])

  await absences.note(new Set(['irc']))
  await clock.leap(DAY_MS / 2)
  await absences.note(new Set(['irc']))
  await clock.leap(DAY_MS / 2)
  t.deepEqual(await known(), [7, 7])
  await absences.note(both)
  t.deepEqual(await known(), [7, undefined])
  await absences.note(both)
  await clock.leap(DAY_MS)
  await absences.note(both)
  t.deepEqual(await known(), [7, undefined])
})

testDatabases(test, 'of processes that start together one begins anew with a service', async (t, db) => {
  const clock = new FakeClock()
  const absences = new Absences(db, clock)
  const streams = new FollowedStreams(db)
  const [events, devices] = [appServiceFollows('irc', 'events'), appServiceFollows('irc', 'to_device')]
  const reached = (position: number) => ({
    statements: [events, devices].map(name => streams.reached(name, position)),
  })
  await db.commit(reached(7))
  await absences.note(new Set())
  await clock.leap(DAY_MS)

  const services = new Set(['irc'])
  let commits = 0
  const second: Pick<Database, 'prepare' | 'all' | 'commit'> = {
    prepare: sql => db.prepare(sql),
    all: (prepared, parameters) => db.all(prepared, parameters),
    commit: async writeSet => {
      commits += 1
      // After the second has looked, and before it says so, the first has begun to tell the service.
      await absences.note(services)
      await db.commit(reached(9))
      return db.commit(writeSet)
    },
  }
  await new Absences(second as Database, clock).note(services)
  t.deepEqual(await Promise.all([streams.known(events), streams.known(devices)]), [9, 9])
  t.is(commits, 1)
})
