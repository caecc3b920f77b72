import { createRoom, joinRoom } from '../matrix.ts'
import type { Scenario } from '../scenario.ts'
import { measureSending, type Seat, senderCount } from '../sending.ts'
import type { Target } from '../target.ts'

/** Everybody sends to one room, as fast as the server answers. */
export const hotRoom: Scenario = {
  name: 'hot-room',
  async run(bench) {
    return (await measureSending(bench, 'sends to one hot room', seatsInOneRoom)).rows
  },
}

async function seatsInOneRoom(target: Target): Promise<Seat[]> {
  const accounts = await target.accounts(senderCount)
  const [creator, ...others] = accounts
  if (creator === undefined) throw new Error('no accounts')
  const [roomId = ''] = await target.inParallel([creator], (connection, account) =>
    createRoom(connection, account, { preset: 'public_chat', name: 'hot' }),
  )
  await target.inParallel(others, (connection, account) => joinRoom(connection, account, roomId))
  return accounts.map(account => ({ account, roomId }))
}
