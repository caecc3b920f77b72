import test from 'ava'
import type { OutboxReader } from '../../../../storage/federation/outbox-reader.ts'
import type { RoomReaders } from '../../../../storage/rooms/index.ts'
import { RoomHosts } from './room-hosts.ts'

test('the servers of a room of hundreds of thousands are found after many have come and gone', async t => {
  const changes = Array.from({ length: 501 }, (_, n) => ({
    type: 'm.room.member',
    stateKey: `@u${n}:a.test`,
  }))
  const members = Array(1_000_000).fill({ stateKey: '@u1:a.test', nid: 1 })
  let asked = 0
  const read = {
    state: { changes: async () => changes, ended: async () => [], ofTypes: async () => members },
    events: {
      byNids: async (nids: readonly number[]) => {
        asked = nids.length
        return [{ event: { stateKey: '@u1:a.test', content: { membership: 'join' } } }]
      },
    },
    partial: { open: async () => undefined },
  } as unknown as RoomReaders
  const outbox = { joinedHostsWithout: async () => ['gone.test'] } as unknown as OutboxReader
  t.deepEqual([...(await new RoomHosts(read, outbox).at(1, 5))], ['a.test'])
  t.is(asked, 1_000_000)
})
