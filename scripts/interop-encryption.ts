/** End-to-end encryption across the two servers, by clients that nobody here wrote: matrix-js-sdk with its Rust cryptography. */
import {
  backedUp,
  byPassword,
  cryptoOf,
  encryptedRoom,
  knowsDevice,
  type Login,
  loginsOf,
  type Person,
  readAll,
  register,
  restore,
  say,
  sayUnderOwnKeys,
  setUp,
  trusts,
  trustsDevice,
} from '../federation-tests/js-sdk-people.ts'
import { compareEmoji, nextRequest } from '../federation-tests/js-sdk-verification.ts'
import type { Scenario } from './interop-parts.ts'
import type { SwitchedNetwork } from './switched-network.ts'

/** Messages that are said while a server is away: each has its key in a message to a device. */
const WHILE_AWAY = 250

let people = 0

/** Two people, each with a first device, an identity and a backup. */
interface Couple {
  readonly alice: Person
  readonly bob: Person
  readonly loginAlice: Login
}

type CryptoPlay = (couple: Couple, network: SwitchedNetwork) => Promise<void>

/** Plays with somebody new on each server. */
const withCouple =
  (play: CryptoPlay) =>
  async (first: string, second: string, network: SwitchedNetwork): Promise<void> => {
    people += 1
    const ends: (() => unknown)[] = []
    const scope = { teardown: (end: () => unknown) => void ends.push(end) }
    const loginsOn = async (url: string, name: string): Promise<Login> => {
      await register(url, name)
      return loginsOf(scope, { url }, name)
    }
    const loginAlice = await loginsOn(first, `alice${people}`)
    const loginBob = await loginsOn(second, `bob${people}`)
    try {
      const [alice, bob] = await Promise.all([loginAlice(), loginBob()])
      for (const user of [alice, bob]) await setUp(user, byPassword(user))
      await play({ alice, bob, loginAlice }, network)
    } finally {
      network.isDown = false
      for (const end of ends.toReversed()) await end()
    }
  }

const newDevice: CryptoPlay = async ({ alice, bob, loginAlice }) => {
  const roomId = await encryptedRoom(alice, bob)
  await say(roomId, alice, 'before the phone', [alice, bob])
  await say(roomId, bob, 'an answer', [alice, bob])
  await backedUp(alice, 2)
  const phone = await loginAlice()
  await knowsDevice(bob, phone)
  await restore(phone)
  for (const text of ['before the phone', 'an answer']) await phone.message(roomId, text)
  await say(roomId, bob, 'after the phone', [alice, phone, bob])
  await say(roomId, phone, 'from the phone', [alice, bob, phone])
  await phone.client.logout()
  await knowsDevice(bob, phone, false)
  await say(roomId, bob, 'without the phone', [alice, bob])
  await say(roomId, alice, 'without me', [alice, bob])
}

const verification: CryptoPlay = async ({ alice, bob, loginAlice }) => {
  const roomId = await encryptedRoom(alice, bob)
  await say(roomId, alice, 'is it you?', [alice, bob])
  const toBob = nextRequest(bob)
  const asked = await cryptoOf(alice).requestVerificationDM(bob.userId, roomId)
  await compareEmoji(asked, toBob)
  await Promise.all([trusts(alice, bob), trusts(bob, alice)])
  // Whoever trusts somebody trusts the devices that they sign, on the other server, too.
  await backedUp(alice, 1)
  const phone = await loginAlice()
  await restore(phone)
  await knowsDevice(bob, phone)
  await trustsDevice(bob, phone)
  await trusts(phone, bob)
}

const absence: CryptoPlay = async ({ alice, bob }, network) => {
  const roomId = await encryptedRoom(alice, bob)
  await say(roomId, alice, 'before the storm', [alice, bob])
  await say(roomId, bob, 'before it', [alice, bob])
  const texts = Array.from({ length: WHILE_AWAY }, (_, index) => `${index} in the storm`)
  network.isDown = true
  await sayUnderOwnKeys(roomId, alice, texts)
  network.isDown = false
  // A server that hears from another one tries it again.
  await bob.client.sendTextMessage(roomId, 'are you there?')
  await alice.message(roomId, 'are you there?')
  await readAll(roomId, bob, texts)
  await say(roomId, alice, 'after the storm', [alice, bob])
}

const both = (name: string, play: CryptoPlay): [string, Scenario][] => [
  [`${name}, from here`, (ours, theirs, network) => withCouple(play)(ours, theirs, network)],
  [`${name}, from there`, (ours, theirs, network) => withCouple(play)(theirs, ours, network)],
]

/** What people with encrypting clients do: every message decrypts for whoever should read it. */
export const encryptionScenarios: readonly [string, Scenario][] = [
  ...both('encrypted: a new device, its backup, and its end', newDevice),
  ...both('encrypted: people verify each other', verification),
  ...both('encrypted: what was said while the other server was away', absence),
]
