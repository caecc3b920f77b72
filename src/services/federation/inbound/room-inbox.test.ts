import test from 'ava'
import { silentLog } from '../../../core/log.ts'
import { ALICE, forge, makeRoom, pair } from '../../../test-kit/federated-pair.ts'
import type { MissingEvents } from './missing-events.ts'
import { RoomInbox } from './room-inbox.ts'

test('who goes on with what others have staged leaves alone what it has put off itself', async t => {
  const { a } = await pair(t)
  const roomId = await makeRoom(a)
  let asked = 0
  const missing: Pick<MissingEvents, 'receive'> = {
    receive: async () => {
      asked += 1
      return { outcome: 'dropped', reason: 'nobody is there', forNow: true }
    },
  }
  const inbox = new RoomInbox({ writer: a.core.writer, missing: missing as MissingEvents, log: silentLog })
  t.teardown(() => inbox.close())
  const event = await forge(a, roomId, { sender: ALICE, prevEvents: [`$${'n'.repeat(43)}`] })
  await inbox.add('b.test', [event])
  await inbox.idle()
  t.is(asked, 1)
  for (let minute = 0; minute < 3; minute++) {
    await inbox.resume()
    await inbox.idle()
  }
  t.is(asked, 1)
  await a.clock.advance(10_000)
  await inbox.idle()
  t.is(asked, 2)
})
