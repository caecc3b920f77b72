import test from 'ava'
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
