import test from 'ava'
import { buildEvent } from '../../core/event/builder.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { signingKeyFromSeed } from '../../core/signing.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'
import { receiveAll, receiveEvent } from './receive.ts'

const ALICE = '@alice:here.test'
const MALLORY = '@mallory:there.test'
const KEY = signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(5))
const WIDTH = 40
const LAYERS = 12

test('how much it takes to receive an event does not grow with what was refused before it', async t => {
  const { rooms, core } = await testRooms(await testDatabase(t))
  const version = rooms.roomSettings.versionFor('11')
  const settings = newRoom(rooms, ALICE, { version, preset: 'public_chat' })
  const roomId = await rooms.roomCreation.create(settings, { isDirect: false })
  const head = await core.writer.head(roomId)
  const state = (type: string) => head?.entry(type, '')?.eventId ?? ''
  const made = (event: Partial<Parameters<typeof buildEvent>[0]>): RoomEvent =>
    buildEvent(
      {
        ...{ version, roomId, type: 'm.room.message', sender: MALLORY, content: {} },
        ...{ prevEvents: [], authEvents: [], depth: 50, originServerTs: 1, ...event },
      },
      'there.test',
      KEY,
    )
  const auth = [state('m.room.create'), state('m.room.power_levels')]
  const join = made({
    ...{ type: 'm.room.member', stateKey: MALLORY, content: { membership: 'join' } },
    prevEvents: (head?.extremities ?? []).map(({ eventId }) => eventId),
    authEvents: [...auth, state('m.room.join_rules')],
  })
  t.is((await receiveEvent(core.writer, join)).outcome, 'accepted')
  await rooms.memberships.ban({ sender: ALICE, userId: MALLORY, roomId })
  let prevEvents = [join.eventId]
  const authEvents = [...auth, join.eventId]
  for (let layer = 0; layer < LAYERS; layer++) {
    const events = Array.from({ length: WIDTH }, (_, index) => {
      const own = Array.from(
        { length: 20 },
        (_each, i) => prevEvents[(7 * index + 11 * i) % prevEvents.length],
      )
      const content = { body: `${layer} ${index}` }
      return made({ prevEvents: [...new Set(own)].flatMap(one => one ?? []), authEvents, content })
    })
    for (const { outcome } of await Promise.all(receiveAll(core.writer, events))) t.is(outcome, 'soft-failed')
    prevEvents = events.map(({ eventId }) => eventId)
  }
  const { events } = core.context.read
  const byIds = events.byIds.bind(events)
  let asked = 0
  events.byIds = eventIds => {
    asked += eventIds.length
    return byIds(eventIds)
  }
  const last = made({ prevEvents: prevEvents.slice(0, 20), authEvents })
  t.is((await receiveEvent(core.writer, last)).outcome, 'soft-failed')
  t.true(asked < 600, `${asked} events were asked for`)
})
