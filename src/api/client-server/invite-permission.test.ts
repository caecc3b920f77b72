import test from 'ava'
import { newPerson, type Person, Refused, serverTests } from '../../test-kit/people.ts'

const onServer = serverTests(test)

const invited = async (who: Person, since?: string): Promise<string[]> =>
  Object.keys((await who.sync({ since })).rooms?.invite ?? {})

onServer('who blocks invitations gets none, and whoever tries is told', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const [before, roomId] = [await ann.createRoom(), await ann.createRoom()]
  await ann.change('invite', before, bob)
  t.deepEqual(await invited(bob), [before])
  await bob.setAccountData('m.invite_permission_config', { default_action: 'block' })
  t.deepEqual(await invited(bob), [], 'what was there is no longer served')
  const blocked = (attempt: Promise<unknown>) =>
    t.throwsAsync(attempt, { instanceOf: Refused, code: '403 M_INVITE_BLOCKED' })
  await blocked(ann.change('invite', roomId, bob))
  await blocked(ann.setState(roomId, 'm.room.member', { membership: 'invite' }, bob.userId))
  await blocked(ann.createRoom({ invite: [bob.userId] }))
  const asState = { type: 'm.room.member', state_key: bob.userId, content: { membership: 'invite' } }
  await t.throwsAsync(ann.createRoom({ initial_state: [asState] }), { code: '400 M_INVALID_ROOM_STATE' })
  await bob.setAccountData('m.invite_permission_config', {})
  await ann.change('invite', roomId, bob)
  t.deepEqual((await invited(bob)).toSorted(), [before, roomId].toSorted())
})

onServer('by MSC4155 some are blocked and some ignored without their knowing', async (t, server) => {
  const [ann, bob, eve] = [await newPerson(server), await newPerson(server), await newPerson(server)]
  await bob.setAccountData('org.matrix.msc4155.invite_permission_config', {
    ignored_users: [eve.userId],
    blocked_servers: ['*'],
    allowed_users: [ann.userId],
  })
  const { next_batch: since } = await bob.sync()
  const [wanted, unwanted] = [await ann.createRoom(), await eve.createRoom()]
  await eve.change('invite', unwanted, bob)
  await ann.change('invite', wanted, bob)
  t.deepEqual([await invited(bob), await invited(bob, since)], [[wanted], [wanted]])
  const carl = await newPerson(server)
  await t.throwsAsync(carl.createRoom({ invite: [bob.userId] }), { code: '403 M_INVITE_BLOCKED' })
  await bob.change('join', unwanted)
})
