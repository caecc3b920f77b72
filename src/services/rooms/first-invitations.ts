import type { Clock } from '../../core/clock.ts'
import { serverNameOf } from '../../core/ids.ts'
import { forEachBounded } from '../bounded.ts'
import { inTime } from './in-time.ts'

/** Servers that are asked at the same time; what they answer in the same moment are as many ends of the room. */
const SERVERS_AT_ONCE = 4

/** So long (milliseconds) whoever makes a room waits for other servers: many are gone, and some clients give up after half a minute. */
const PATIENCE_MS = 8_000

/** How the invitations to a room that was just made are sent. */
export interface Inviting {
  readonly serverName: string
  readonly clock: Pick<Clock, 'sleep'>
  readonly invite: (userId: string) => Promise<void>
  /** Whether nobody else is to be invited after this. */
  readonly isFinal?: (error: unknown) => boolean
  /** Whether those who could not be asked in time are left to others, and not asked when nobody waits for it any more. */
  readonly leavesLate?: boolean
  /** Told of what fails when nobody waits for it any more. */
  readonly failedLate: (userId: string, error: unknown) => void
}

/** What has come of them. Whoever is in neither may be invited yet. */
export interface Invited {
  readonly invited: readonly string[]
  readonly failed: ReadonlyMap<string, unknown>
}

/**
 * Invites users: first those of other servers, one after another of each server, and for no longer than is good for whoever waits; what
 * takes longer goes on, unless all is over or others see to it. Then those of this server, who are not told of a room that another server has something against.
 */
export const inviteFirst = async (users: readonly string[], inviting: Inviting): Promise<Invited> => {
  const { serverName, clock, invite, isFinal = () => false, leavesLate = false, failedLate } = inviting
  const invited: string[] = []
  const failed = new Map<string, unknown>()
  let isOver = false
  let isLate = false
  const attempt = async (userId: string): Promise<void> => {
    if (isOver || (isLate && leavesLate)) return
    try {
      await invite(userId)
      invited.push(userId)
    } catch (error) {
      if (isLate) return failedLate(userId, error)
      failed.set(userId, error)
      isOver ||= isFinal(error)
    }
  }
  const byServer = Map.groupBy(users, serverNameOf)
  const own = byServer.get(serverName) ?? []
  byServer.delete(serverName)
  const ofOthers = forEachBounded([...byServer.values()], SERVERS_AT_ONCE, async some => {
    for (const userId of some) await attempt(userId)
  })
  await inTime(clock, PATIENCE_MS, ofOthers)
  for (const userId of own) await attempt(userId)
  // Who is invited yet, though all is over, has to be known to whoever takes that back.
  if (isOver) await ofOthers
  isLate = true
  return { invited: [...invited], failed }
}
