import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import { silentLog } from '../../core/log.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { guest, peerRoom } from '../../test-kit/guest.ts'
import { testRooms } from '../../test-kit/rooms.ts'
import { Declining } from './declining.ts'

const ZED = '@zed:here.test'

test('an invitation of which the room knows nothing is declined, also by whoever has left it before', async t => {
  const database = await testDatabase(t)
  const peers = peerRoom('11')
  peers.add('ZED: zed@here.test join < ME', 'GONE: zed@here.test leave', 'LOST: bob invite zed@here.test')
  const { core, rooms, receive } = await guest(database, peers)
  for (const name of ['ZED', 'GONE']) t.is((await receive(name)).outcome, 'accepted')
  const { roomId } = peers
  const { read, write } = core.context
  const { pdu: event, eventId, sender } = peers.event('LOST')
  const invitation = {
    ...{ userId: ZED, roomId, kind: 'invite' as const, sender, event, eventId },
    ...{ updatedTs: 1, roomVersion: '11', strippedState: [] },
  }
  await database.commit({ statements: [write.invitations.put(invitation, { stream: 'invites', offset: 0 })] })
  await rooms.memberships.leave({ userId: ZED, roomId })
  t.is((await read.invitations.one(ZED, roomId))?.status, 'declined')
  t.is((await core.writer.head(roomId))?.memberships.get(ZED), 'leave')
})

testDatabases(test, 'an answer that no server has taken is kept until one does', async (t, database) => {
  const { core } = await testRooms(database)
  const { write } = core.context
  let refusal = new MatrixError('M_LIMIT_EXCEEDED', 'too many at once')
  const untold: string[] = []
  const leave = () => Promise.reject(refusal)
  const declining = new Declining({ context: core.context, remote: { leave }, log: silentLog })
  declining.onUntold = async ({ roomId }) => void untold.push(roomId)
  const decline = async (roomId: string) => {
    const invitation = {
      ...{ userId: ZED, roomId, kind: 'invite' as const, sender: '@bob:there.test', eventId: `$${roomId}` },
      ...{ event: {}, updatedTs: 1, roomVersion: '11', strippedState: [] },
    }
    await database.commit({
      statements: [write.invitations.put(invitation, { stream: 'invites', offset: 0 })],
    })
    await declining.decline({ userId: ZED, roomId }, invitation)
    t.is((await core.context.read.invitations.one(ZED, roomId))?.status, 'declined')
  }
  await decline('!limited:there.test')
  refusal = new MatrixError('M_CONNECTION_FAILED', 'away')
  await decline('!away:there.test')
  t.deepEqual(untold, ['!limited:there.test', '!away:there.test'])
  refusal = new MatrixError('M_FORBIDDEN', 'there is no such invitation')
  await decline('!refused:there.test')
  t.is(untold.length, 2)
})

test('who declines the invitation of a server that is gone does not wait for it', async t => {
  const database = await testDatabase(t)
  const silent = { leave: () => new Promise<never>(() => undefined) }
  const { core, rooms, clock } = await testRooms(database, { remote: silent })
  const peers = peerRoom('11')
  peers.add('LOST: bob invite zed@here.test')
  const { roomId } = peers
  const { read, write } = core.context
  const { pdu: event, eventId, sender } = peers.event('LOST')
  const invitation = {
    ...{ userId: ZED, roomId, kind: 'invite' as const, sender, event, eventId },
    ...{ updatedTs: 1, roomVersion: '11', strippedState: [] },
  }
  await database.commit({ statements: [write.invitations.put(invitation, { stream: 'invites', offset: 0 })] })
  const untold: unknown[] = []
  rooms.memberships.declining.onUntold = async leave => void untold.push(leave)
  const declined = rooms.memberships.leave({ userId: ZED, roomId, reason: 'no' })
  let isOver = false
  void declined.then(() => {
    isOver = true
  })
  await eventually('nobody waits for it any longer', async () => {
    await clock.advance(1_000)
    return isOver
  })
  t.is((await read.invitations.one(ZED, roomId))?.status, 'declined')
  t.like(untold, [{ userId: ZED, roomId }], 'it is told later')
})
