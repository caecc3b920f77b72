import test from 'ava'
import { testDatabase } from '../../test-kit/database.ts'
import { guest, peerRoom } from '../../test-kit/guest.ts'

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
