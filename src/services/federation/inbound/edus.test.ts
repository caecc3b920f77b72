import test from 'ava'
import { silentLog } from '../../../core/log.ts'
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
