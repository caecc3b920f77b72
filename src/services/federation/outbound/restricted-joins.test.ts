import test from 'ava'
import type { JsonObject } from '../../../core/json.ts'
import { testDatabases } from '../../../test-kit/database.ts'
import { stateEvent } from '../../../test-kit/outbound.ts'
import {
  ALICE,
  BOB,
  CAROL,
  makeRoom,
  restrictToClub,
  THERE,
  type World,
  world,
} from '../../../test-kit/remote-room.ts'

/** A room for members of a club, where some have power. */
const clubRoom = async (w: World, users: JsonObject = {}): Promise<string> => {
  const roomId = await makeRoom(w, { version: w.there.rooms.roomSettings.versionFor('11') })
  const type = 'm.room.power_levels'
  const levels = (await stateEvent(w.there, roomId, type))?.content
  const content = { ...levels, users: { ...Object(levels?.['users']), ...users } }
  await w.there.core.sender.send(roomId, { type, sender: ALICE, stateKey: '', content })
  await restrictToClub(w, roomId)
  return roomId
}

test('who is banned by the time that a server lets them in is told so', async t => {
  const w = await world(t)
  const roomId = await clubRoom(w, { [BOB]: 50 })
  const join = (userId: string) => w.here.outbound.remote.join({ userId, roomId, via: [THERE], content: {} })
  await join(BOB)
  const { sendJoin } = w.client
  Object.assign(w.client, {
    async sendJoin(...call: Parameters<typeof sendJoin>) {
      const answer = await sendJoin(...call)
      const content = { membership: 'ban' }
      const ban = { type: 'm.room.member', sender: BOB, stateKey: CAROL, content }
      await w.here.core.sender.send(roomId, ban)
      return answer
    },
  })
  t.like(await t.throwsAsync(join(CAROL)), { errcode: 'M_FORBIDDEN', status: 403 })
  t.is((await w.here.core.writer.head(roomId))?.memberships.get(CAROL), 'ban')
})

test('who is let in by a server that says itself that they are banned is told so', async t => {
  const w = await world(t)
  const roomId = await makeRoom(w)
  const member = (membership: string) =>
    w.there.core.sender.send(roomId, {
      ...{ type: 'm.room.member', sender: ALICE, stateKey: BOB, content: { membership } },
    })
  await member('ban')
  const ban = await stateEvent(w.there, roomId, 'm.room.member', BOB)
  await member('leave')
  const leave = await stateEvent(w.there, roomId, 'm.room.member', BOB)
  const { sendJoin } = w.client
  Object.assign(w.client, {
    async sendJoin(...call: Parameters<typeof sendJoin>) {
      const answer = await sendJoin(...call)
      const state = answer.state.map(event => (event['state_key'] === BOB ? (ban?.pdu ?? event) : event))
      // What the join refers to is there.
      const authChain = [...answer.authChain, leave?.pdu ?? {}]
      return { ...answer, state, authChain }
    },
  })
  const join = w.here.outbound.remote.join({ userId: BOB, roomId, via: [THERE], content: {} })
  t.like(await t.throwsAsync(join), { errcode: 'M_FORBIDDEN', status: 403 })
})

testDatabases(
  test,
  'who has left a room is told that they may not come back, also by a server that has not heard of it',
  async (t, database) => {
    const w = await world(t, database)
    const { makeJoin } = w.client
    const roomId = await clubRoom(w)
    const join = (userId: string) =>
      w.here.outbound.remote.join({ userId, roomId, via: [THERE], content: {} })
    await join(BOB)
    await join(CAROL)
    await w.here.clock.advance(1_000)
    const content = { membership: 'leave' }
    const leave = { type: 'm.room.member', sender: CAROL, stateKey: CAROL, content }
    await w.here.core.sender.send(roomId, leave)
    // To the other server it is a member who joins.
    Object.assign(w.client, { makeJoin })
    t.like(await t.throwsAsync(join(CAROL)), { errcode: 'M_FORBIDDEN', status: 403 })
    t.is((await w.here.core.writer.head(roomId))?.memberships.get(CAROL), 'leave')
  },
)
