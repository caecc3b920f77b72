import test from 'ava'
import { ALICE, BOB, pair } from '../../test-kit/federated-invitations.ts'

test('whoever may knock is not invited any more, though nobody has told', async t => {
  const p = await pair(t)
  await p.a.core.sender.send(p.roomId, {
    ...{ type: 'm.room.join_rules', sender: ALICE, stateKey: '', content: { join_rule: 'knock' } },
  })
  await p.invite({}, 'come')
  await p.becomes(p.b, 'invited')
  p.world.transport = ({ path }, deliver) =>
    path.includes('/send/') ? Promise.reject(new Error('cut off')) : deliver()
  await p.withdraw()
  await p.b.rooms.memberships.knock({ userId: BOB, roomId: p.roomId, via: ['a.test'] })
  await p.becomes(p.b, 'cancelled')
  await p.invite({}, 'come in')
  await p.becomes(p.b, 'invited')
  t.like(await p.seenBy(p.b), { reason: 'come in' })
})
