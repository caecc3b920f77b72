import test from 'ava'
import { testDatabase } from '../../test-kit/database.ts'
import { guest, peerRoom } from '../../test-kit/guest.ts'
import type { OwnChange } from './membership-content.ts'

const ZED = '@zed:here.test'

for (const step of ['join', 'knock'] as const) {
  test(`a ${step} goes to other servers where the last of this server's people is banned meanwhile`, async t => {
    const peers = peerRoom('11')
    peers.add('BAN: alice ban me@here.test')
    const asked: string[] = []
    const server = await guest(await testDatabase(t), peers, {
      // It is asked for once the room has been looked at.
      async profile() {
        t.is((await server.receive('BAN')).outcome, 'accepted')
        return {}
      },
      remote: { [step]: async ({ userId, via }: OwnChange) => void asked.push(userId, via?.[0] ?? '') },
    })
    await server.rooms.memberships[step]({ userId: ZED, roomId: peers.roomId, via: ['there.test'] })
    t.deepEqual(asked, [ZED, 'there.test'])
  })
}
