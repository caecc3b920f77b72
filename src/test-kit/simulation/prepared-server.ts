import { setTimeout as sleep } from 'node:timers/promises'
import { OutboundError } from '../../network/outbound-error.ts'
import { FakeClock } from '../fake-clock.ts'
import { SeededRandom } from '../seeded-random.ts'
import { quiet } from './quiescence.ts'
import type { Session } from './simulated-client.ts'
import { databaseFile, startSimulated } from './simulated-server.ts'

/** When simulations begin. Milliseconds since 1970. */
export const EPOCH: number = Date.UTC(2026, 0, 1)
/** Nothing that anybody waits for takes so long. Milliseconds. */
const MAX_WAIT_MS = 60 * 60_000
/** So often it is looked again whether something is done while the clock of the simulation stands still. */
const MAX_IDLE = 10_000

/** A server that has accounts and has never been on a network: made once in a process, and copied. */
interface Prepared {
  readonly path: string
  readonly sessions: readonly Session[]
}

const made = new Map<string, Promise<Prepared>>()

/** The server of this name with these users. */
export const prepared = (name: string, users: readonly string[]): Promise<Prepared> => {
  const making = made.get(name) ?? prepare(name, users)
  made.set(name, making)
  return making
}

const prepare = async (name: string, users: readonly string[]): Promise<Prepared> => {
  const path = await databaseFile()
  const clock = new FakeClock(EPOCH - 60_000, quiet)
  const nobody = () => Promise.reject(new OutboundError('unreachable', 'there is no network yet'))
  const errors: string[] = []
  const ground = {
    name,
    clock,
    random: new SeededRandom(1),
    carry: nobody,
    onError: (error: string) => void errors.push(error),
  }
  const server = await passing(clock, startSimulated(ground, path))
  const sessions: Session[] = []
  for (const userId of users) {
    const request = { username: userId.slice(1, userId.indexOf(':')), device_id: 'DEVICE' }
    const made = await passing(
      clock,
      server.services.accounts.ofServices.register(request, () => {}),
    )
    if (!('access_token' in made)) throw new Error(`${userId} has no session`)
    sessions.push({ userId, deviceId: 'DEVICE', token: String(made.access_token) })
  }
  await passing(clock, server.stop())
  return { path, sessions }
}

/** Lets time pass until something is done. Where nothing is due, it may be for a thread that ends, which nothing tells of. */
export const passing = async <T>(clock: FakeClock, work: Promise<T>): Promise<T> => {
  let isDone = false
  const done = work.finally(() => {
    isDone = true
  })
  done.catch(() => undefined)
  await clock.advance(0)
  const until = clock.now() + MAX_WAIT_MS
  for (let idle = 0; !isDone; ) {
    const next = clock.nextDue
    if (next !== undefined && next <= until) await clock.advance(next - clock.now())
    else if (idle++ < MAX_IDLE) await sleep(1)
    else throw new Error('what is waited for never comes')
  }
  return done
}
