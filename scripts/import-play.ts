/** What people do on a Synapse before it is replaced, and what they notice afterwards. Their clients run on all the while. */
import { ok } from 'node:assert/strict'
import {
  backedUp,
  byPassword,
  cryptoOf,
  encryptedRoom,
  type Login,
  loginsOf,
  type Person,
  readAll,
  register,
  restore,
  type Scope,
  say,
  setUp,
  trustsDevice,
} from '../federation-tests/js-sdk-people.ts'
import { type PlainBefore, plainAfter, plainLife } from './import-plain-life.ts'

/** What clients remember from before. */
export interface Before {
  readonly alice: Person
  readonly loginAlice: Login
  /** A second device of Alice's, which has no network while the servers change. */
  readonly phone: Person
  readonly phoneNetwork: { isDown: boolean }
  readonly bob: Person
  /** On the other server. */
  readonly eve: Person
  readonly secretRoom: string
  readonly plain: PlainBefore
}

/** Lives on the two servers, the first of which is to be replaced. */
export const liveBefore = async (scope: Scope, first: string, second: string): Promise<Before> => {
  const plain = await plainLife(first, second)
  const logins = async (url: string, name: string): Promise<Login> => {
    await register(url, name)
    return loginsOf(scope, { url }, name)
  }
  const loginAlice = await logins(first, 'alice')
  const [alice, bob, eve] = await Promise.all([
    loginAlice(),
    (await logins(first, 'bob'))(),
    (await logins(second, 'eve'))(),
  ])
  for (const user of [alice, bob, eve]) await setUp(user, byPassword(user))
  const secretRoom = await encryptedRoom(alice, bob)
  await alice.client.invite(secretRoom, eve.userId)
  await eve.membership(secretRoom, 'invite')
  await eve.client.joinRoom(secretRoom)
  for (const user of [alice, bob]) await user.membership(secretRoom, 'join', eve.userId)
  await say(secretRoom, alice, 'an old secret', [alice, bob, eve])
  await say(secretRoom, eve, 'another one', [alice, bob, eve])
  await backedUp(alice, 2)
  const phoneNetwork = { isDown: false }
  const phone = await loginAlice(phoneNetwork)
  await restore(phone)
  phoneNetwork.isDown = true
  // Its key waits for the phone, on the server.
  await say(secretRoom, bob, 'while the phone is away', [alice, bob, eve])
  return { alice, loginAlice, phone, phoneNetwork, bob, eve, secretRoom, plain }
}

/** What everybody finds once the first server is another one. */
export const liveOn = async (before: Before, note: (what: string) => void): Promise<void> => {
  const { alice, bob, eve, phone, phoneNetwork, secretRoom, loginAlice } = before
  await plainAfter(before.plain, note)
  phoneNetwork.isDown = false
  await say(secretRoom, eve, 'the first from elsewhere', [alice, bob, eve])
  note('clients that ran on go on: a message of the other server comes, and decrypts')
  await phone.message(secretRoom, 'while the phone is away')
  await phone.message(secretRoom, 'the first from elsewhere')
  note('a key that waited on Synapse has come to its device')
  await say(secretRoom, alice, 'an answer', [alice, bob, eve, phone])
  await say(secretRoom, phone, 'from the phone', [alice, bob, eve, phone])
  note('everybody decrypts what is said now, the other server too')
  await trustsDevice(alice, phone)
  await trustsDevice(bob, bob)
  const tablet = await loginAlice()
  note('the password is right')
  await restore(tablet)
  await readAll(secretRoom, tablet, ['an old secret', 'another one', 'while the phone is away', 'an answer'])
  note('a new device restores the backup, and reads what is old')
  await trustsDevice(alice, tablet)
  ok(await cryptoOf(eve).userHasCrossSigningKeys(alice.userId, true))
  await say(secretRoom, bob, 'to all devices', [alice, bob, eve, phone, tablet])
}
