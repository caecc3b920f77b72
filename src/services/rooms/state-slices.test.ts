import test from 'ava'
import { UnparsedEvent } from '../../core/event/unparsed-event.ts'
import { roomVersion } from '../../core/room-versions.ts'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { sightOf } from './room-sight.ts'
import { inSlices } from './state-slices.ts'

const ALICE = '@alice:here.test'

const parsed = (texts: readonly string[]): unknown[] => texts.map(text => JSON.parse(text))

testDatabases(
  test,
  'the state of a large room is shown like that of a small one, and not kept',
  async (t, plain) => {
    const { database, during } = countedReads(plain)
    const { core, rooms } = await testRooms(database)
    const { read } = core.context
    const roomId = await rooms.roomCreation.create(
      newRoom(rooms, ALICE, { preset: 'public_chat', name: 'First', topic: 'About \\ "quotes" and \u0001' }),
      { isDirect: false },
    )
    const send = (type: string, content: object, stateKey = '') =>
      core.sender.send(roomId, { type, sender: ALICE, stateKey, content: content as never })
    await send('m.room.name', { name: 'Second' })
    await send('m.room.member', { membership: 'join', displayname: 'Älice' }, ALICE)
    await send('test.word', { of: 'msc4354_sticky' }, 'a "key"')
    const { eventId } = await send('test.redacted', { secret: 1 })
    await rooms.sending.redaction(requesterOf(ALICE), { roomId, redacts: eventId, txnId: '1', reason: 'no' })
    const head = await core.writer.head(roomId)
    const nids = [...(head?.state.values() ?? [])].map(entry => entry.nid)
    const sight = await sightOf(read, head?.room.nid ?? 0, ALICE)
    for (const form of [{ roomId: true }, { roomId: false, federation: true }]) {
      const viewer = { ...requesterOf(ALICE), sight }
      const kept = await read.events.byNids(nids)
      const texts = await core.clientEvents.render(kept, viewer, form)
      read.events.forget(nids)
      const passing = await read.passing.byNids(nids)
      t.deepEqual(parsed(await core.clientEvents.render(passing, viewer, form)), parsed(texts))
      for (const [index, { event }] of passing.entries()) {
        const { pdu, content, depth, prevEvents, authEvents, redacts } = event
        const same = { pdu, content, depth, prevEvents, authEvents, redacts }
        t.like(kept[index]?.event, same)
      }
    }
    // Nothing of it was kept, where there is more of it.
    const asked = () => read.events.byNids(nids)
    read.events.forget(nids)
    for await (const slice of inSlices(
      read,
      Array.from({ length: 1_001 }, (_, n) => nids[n % nids.length] ?? 0),
    )) {
      t.true(slice.length > 0)
    }
    t.true((await during(asked)) > 0)
    t.is(await during(asked), 0)
  },
)

test('of large events few are loaded at a time', async t => {
  const version = roomVersion('10')
  if (version === undefined) return t.fail()
  const head = {
    eventId: '$e',
    roomId: '!r',
    version,
    type: 'x',
    sender: ALICE,
    stateKey: '',
    originServerTs: 1,
  }
  const sizes: number[] = []
  const passing = {
    byNids: async (nids: readonly number[]) => {
      sizes.push(nids.length)
      const length = (nids[0] ?? 0) < 500 ? 50_000 : 100
      return nids.map(nid => ({ nid, event: new UnparsedEvent(head, ' '.repeat(length)) }))
    },
  }
  const read = { passing, events: passing } as unknown as Parameters<typeof inSlices>[0]
  const nids = Array.from({ length: 1_200 }, (_, nid) => nid)
  const seen: number[] = []
  for await (const slice of inSlices(read, nids)) seen.push(...slice.map(({ nid }) => nid))
  t.deepEqual(seen, nids)
  t.deepEqual(sizes.slice(0, 3), [50, 20, 20])
  t.deepEqual(sizes.slice(-3, -1), [250, 250])
})
