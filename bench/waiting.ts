import { pause } from './load.ts'
import { type Account, createRoom, joinRoom } from './matrix.ts'
import type { Target } from './target.ts'

/** Accounts that waiting clients belong to: registering one for each would measure password hashing. */
const accountCount = 100

/** People in one room. */
export interface Crowd {
  accounts: Account[]
  roomId: string
}

/** @returns a room of some accounts; clients that wait share them, as the devices of a user do */
export async function crowd(target: Target): Promise<Crowd> {
  const accounts = await target.accounts(accountCount)
  const [creator, ...others] = accounts
  if (creator === undefined) throw new Error('no accounts')
  const [roomId = ''] = await target.inParallel([creator], (connection, account) =>
    createRoom(connection, account, { preset: 'public_chat', name: 'waiting' }),
  )
  await target.inParallel(others, (connection, account) => joinRoom(connection, account, roomId))
  return { accounts, roomId }
}

/**
 * Waits until the server has nothing more to do.
 * @param settle seconds for which memory must hold still; a twentieth of it is long enough for the CPU
 */
export async function quiet(target: Target, settle: number): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const before = target.usage()?.cpuSeconds
    await pause(settle / 20)
    const after = target.usage()?.cpuSeconds
    // Linux counts hundredths.
    if (before === undefined || after === undefined || after - before < 0.015) return
  }
}
