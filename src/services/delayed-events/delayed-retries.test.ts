import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { DelayedEvents } from './delayed-events.ts'

testDatabases(test, 'what cannot be sent just now is sent later, if not too late', async (t, database) => {
  const { core, rooms, clock } = await testRooms(database)
  const ann = '@ann:here.test'
  const requester = requesterOf(ann)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ann), { isDirect: false })
  const { sending } = rooms
  const send = sending.message.bind(sending)
  let status = 503
  let tries = 0
  sending.message = async (...args) => {
    tries += 1
    if (status !== 200) throw new MatrixError('M_UNKNOWN', 'The room is written to by too many', { status })
    return send(...args)
  }
  const delayed = new DelayedEvents({
    ...{ writer: core.writer, sending, standing: async () => undefined, isUnheard: async () => false },
    limits: { maxDelay: 86_400_000, maxScheduled: 10 },
  })
  delayed.start()
  t.teardown(() => delayed.close())
  const schedule = (delayMs: number) =>
    delayed.schedule(requester, { roomId, type: 'org.example', content: {}, delayMs })
  const after = async (ms: number): Promise<void> => {
    const before = tries
    await clock.advance(ms)
    await eventually('it is tried', () => tries > before)
    await eventually('it sleeps', () => clock.sleeping > 0)
  }
  const { delayId } = await schedule(10_000)
  await after(10_000)
  t.like(await delayed.get(requester, delayId), { delay_id: delayId, finalised_ts: undefined })
  status = 200
  await after(25_000)
  await eventually(
    'it is sent',
    async () => typeof (await core.context.read.delayedEvents.byId(delayId))?.eventId === 'string',
  )

  status = 503
  const [first, second] = [await schedule(10_000), await schedule(20_000)]
  await after(10_000)
  status = 200
  await clock.advance(10_000)
  await eventually('it sleeps', () => clock.sleeping > 0)
  t.like(await delayed.get(requester, second.delayId), { finalised_ts: undefined }, 'it waits for its turn')
  await after(15_000)
  await after(10_000)
  await eventually(
    'both are sent',
    async () => (await core.context.read.delayedEvents.byId(second.delayId))?.eventId !== undefined,
  )
  const sent = await Promise.all(
    [first, second].map(
      async each => (await core.context.read.delayedEvents.byId(each.delayId))?.finalisedTs,
    ),
  )
  t.is((sent[1] ?? 0) - (sent[0] ?? 0), 10_000)

  status = 502
  const late = (await schedule(10_000)).delayId
  await after(10_000)
  t.like(await delayed.get(requester, late), { finalised_ts: undefined })
  await after(60 * 60_000)
  await eventually(
    'it is given up',
    async () => (await core.context.read.delayedEvents.byId(late))?.finalisedTs !== undefined,
  )
  t.like(await delayed.get(requester, late), { error: { errcode: 'M_UNKNOWN' }, event_id: undefined })

  status = 429
  const limited = (await schedule(10_000)).delayId
  await after(10_000)
  await eventually(
    'it is final',
    async () => (await core.context.read.delayedEvents.byId(limited))?.finalisedTs !== undefined,
  )
})
