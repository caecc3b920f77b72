import test from 'ava'
import type { RoomEvent } from '../../../core/event/event.ts'
import { silentLog } from '../../../core/log.ts'
import { InboxWriter } from '../../../storage/federation/inbox.ts'
import { eventually } from '../../../test-kit/eventually.ts'
import { ALICE, forge, makeRoom, pair } from '../../../test-kit/federated-pair.ts'
import { Arrival } from './arrival.ts'
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
    await inbox.inherit(Number.POSITIVE_INFINITY)
    await inbox.idle()
  }
  t.is(asked, 1)
  await a.clock.advance(10_000)
  await inbox.idle()
  t.is(asked, 2)
})

test('what a silent server has sent before a restart keeps nothing waiting of what others have', async t => {
  const { a } = await pair(t)
  const roomId = await makeRoom(a)
  const { writer } = a.core
  const asked = Promise.withResolvers<Awaited<ReturnType<MissingEvents['receive']>>>()
  const missing: Pick<MissingEvents, 'receive'> = { receive: () => asked.promise }
  const inbox = new RoomInbox({ writer, missing: missing as MissingEvents, log: silentLog })
  const silent: RoomEvent[] = []
  for (let n = 0; n < 510; n++) {
    const prevEvents = [`$${String(n).padStart(43, 'n')}`]
    silent.push(await forge(a, roomId, { sender: ALICE, prevEvents }))
  }
  const other = await forge(a, roomId, { sender: ALICE, content: { body: 'of another' } })
  const staged = [...silent, other].map((event, ordinal) =>
    new Arrival(event === other ? 'b.test' : 'silent.test', event, { receivedTs: 1, ordinal }).row(),
  )
  const { db } = writer.context
  await db.commit({ statements: new InboxWriter(db).stage(staged) })
  const resuming = inbox.resume()
  t.teardown(async () => {
    asked.resolve({ outcome: 'duplicate' })
    await resuming
    await inbox.close()
  })
  const stored = async () => (await writer.context.read.events.byId(other.eventId)) !== undefined
  await eventually('the event of the other server', stored)
  t.pass()
})
