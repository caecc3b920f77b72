import test from 'ava'
import { silentLog } from '../../../core/log.ts'
import { DatabaseGaveUp, DatabaseUnavailable } from '../../../storage/database.ts'
import { testDatabase } from '../../../test-kit/database.ts'
import { testRooms } from '../../../test-kit/rooms.ts'
import { EduReceiver } from './edus.ts'

test('of what says how things are, the last word of a transaction stands', async t => {
  const { core } = await testRooms(await testDatabase(t))
  const receiver = new EduReceiver({ writer: core.writer, log: silentLog, joined: async () => {} })
  const done: string[] = []
  const types = ['m.typing', 'm.presence']
  for (const type of types) {
    receiver.on(type, async (_, { n, turns }) => {
      for (let left = Number(turns); left > 0; left--) await null
      done.push(`${type} ${String(n)}`)
    })
  }
  const edu = (type: string, n: number, turns: number) => ({ edu_type: type, content: { n, turns } })
  // What is to be looked up for the first takes longer.
  const edus = [100, 50, 0].flatMap((turns, n) => types.map(type => edu(type, n, turns)))
  await receiver.handle('far.test', [...edus, 'no EDU', null])
  for (const type of types) {
    t.deepEqual(
      done.filter(one => one.startsWith(type)),
      [`${type} 0`, `${type} 1`, `${type} 2`],
    )
  }
})

test('an EDU that the database never gets done with holds up its server for some attempts, and not for ever', async t => {
  const { core } = await testRooms(await testDatabase(t))
  const receiver = new EduReceiver({ writer: core.writer, log: silentLog, joined: async () => {} })
  let error: Error = new DatabaseGaveUp('canceling statement due to statement timeout')
  receiver.on('m.direct_to_device', async () => {
    throw error
  })
  const edu = (n: number) => ({ edu_type: 'm.direct_to_device', content: { n } })
  const isTaken = (origin: string, n: number) =>
    receiver.handle(origin, [edu(n)]).then(
      () => true,
      () => false,
    )
  t.false(await isTaken('far.test', 1))
  t.false(await isTaken('far.test', 1))
  t.false(await isTaken('far.test', 2), 'another one')
  t.false(await isTaken('near.test', 1), 'of another server')
  t.true(await isTaken('far.test', 1))
  error = new DatabaseUnavailable('the connection to the database was lost')
  for (let times = 0; times < 5; times++) t.false(await isTaken('far.test', 3), 'that says nothing of it')
})
