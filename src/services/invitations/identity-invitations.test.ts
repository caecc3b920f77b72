import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import { silentLog } from '../../core/log.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { testRooms } from '../../test-kit/rooms.ts'
import { IdentityInvitations } from './identity-invitations.ts'

test('whoever makes a room does not wait for an identity server that does not answer', async t => {
  const { core, clock } = await testRooms(await testDatabase(t))
  const asked: string[] = []
  const told: string[] = []
  const silence = Promise.withResolvers<void>()
  const never = (): never => t.fail() as never
  const invitations = new IdentityInvitations({
    ...{ writer: core.writer, sender: core.sender, log: silentLog, profile: async () => ({}) },
    identityServers: {
      bind: never,
      unbind: never,
      lookUp: never,
      storeInvite: never,
      isKeyValid: never,
      close: never,
    },
    sending: { send: never },
    addresses: {
      reach: async () => 'user',
      send: async ({ address }) => {
        asked.push(address)
        await silence.promise
        throw new MatrixError('M_FORBIDDEN', 'no')
      },
      failed: async ({ address }) => {
        told.push(address)
      },
    },
  })
  const by = (address: string) => ({
    ...{ sender: '@alice:here.test', roomId: '!room', medium: 'email', address, reason: undefined },
    ...{ idServer: undefined, accessToken: undefined },
  })
  const all = invitations.sendAll([by('bob@b.test'), by('carol@c.test')], {})
  await eventually('the first is sent', () => asked.length === 1)
  await clock.advance(8_000)
  await all
  t.deepEqual(asked, ['bob@b.test'])
  silence.resolve()
  await eventually('the next is', () => asked.length === 2)
  await eventually('who has made the room is told of both', () => told.length === 2)
})
