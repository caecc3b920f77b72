import test from 'ava'
import { DatabaseGaveUp } from '../../storage/database.ts'
import { delegate } from '../../storage/delegate.ts'
import { InboxReader } from '../../storage/federation/inbox.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { messagesOf, say } from '../../test-kit/federation-world.ts'

test('an event that the database never gets done with holds up nothing else that its server sends', async t => {
  let tooMuch: string | undefined
  const database = await testDatabase(t)
  const p = await pair(t, {
    ...delegate(database),
    commit: async set => {
      const stored = set.statements.filter(({ prepared }) => prepared.sql.includes('INTO event_json'))
      const isIn = tooMuch !== undefined && JSON.stringify(stored).includes(tooMuch)
      if (isIn) throw new DatabaseGaveUp('canceling statement due to statement timeout')
      return database.commit(set)
    },
  })
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const events = []
  for (const body of ['one', 'too much', 'three']) events.push(await say(a, ALICE, roomId, body))
  tooMuch = 'too much'
  const idle = b.federation.idle
  Object.assign(b.federation, { idle: async () => undefined })
  t.is((await world.send(a, b, events)).size, 0, 'it is acknowledged')
  t.true((await messagesOf(b, roomId)).includes('one'))
  const staged = (await new InboxReader(b.database).staged(undefined, 10)).map(({ eventId }) => eventId)
  t.true(staged.includes(events[1]?.eventId ?? ''))
  await idle()
  tooMuch = undefined
  await b.clock.advance(10_000)
  await eventually('it is tried again', async () => (await messagesOf(b, roomId)).length === 3)
  t.deepEqual((await messagesOf(b, roomId)).toSorted(), ['one', 'three', 'too much'])
})
