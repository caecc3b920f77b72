import test from 'ava'
import type { KeysLeft } from '../../storage/encryption/keys-left.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import { KnownKeysLeft } from './known-keys-left.ts'

const DEVICE = { userId: '@alice:here.test', deviceId: 'PHONE' }
const ALICE = { ...requesterOf(DEVICE.userId), ...DEVICE, tokenId: 'first' }

/** Over a table that says how many keys there are, and is read when `answer` is called. */
const world = () => {
  const asked: { answer: () => void }[] = []
  const table = { keys: 5 }
  const left = (): Promise<KeysLeft> => {
    const { promise, resolve } = Promise.withResolvers<KeysLeft>()
    const read = { counts: { signed_curve25519: table.keys }, unusedFallbackTypes: [] }
    asked.push({ answer: () => resolve(read) })
    return promise
  }
  const commit = async () => {
    table.keys -= 1
    return { ok: true, positions: {}, returned: {} } as const
  }
  const known = new KnownKeysLeft({ bulletin: undefined, commit, read: { oneTimeKeys: { left } } })
  /** What is told, and how often the table is read for it. */
  const told = async (requester = ALICE) => {
    const before = asked.length
    const answer = known.of(requester)
    for (const one of asked.slice(before)) one.answer()
    return [(await answer)?.counts['signed_curve25519'], asked.length - before]
  }
  return { known, asked, told, claim: () => known.commit([DEVICE], []) }
}

test('what is left of the keys of a device is read once, and again after every change', async t => {
  const { known, told, claim } = world()
  t.deepEqual(await told(), [5, 1])
  t.deepEqual(await told(), [5, 0])
  t.false(known.of(ALICE) instanceof Promise, 'it is known at once')
  await claim()
  t.deepEqual(await told(), [4, 1])
  await known.commit([{ ...DEVICE, deviceId: 'LAPTOP' }], [])
  t.deepEqual(await told(), [4, 0], 'those of another device')
})

test('a device that has the ID of an earlier one is not told what that had', async t => {
  const { told } = world()
  await told()
  t.deepEqual(await told({ ...ALICE, tokenId: 'second' }), [5, 1])
  const masquerading = { ...ALICE, appServiceId: 'bridge' }
  t.deepEqual(await told(masquerading), [5, 1])
  t.deepEqual(await told(masquerading), [5, 1], 'its token is the same for all of its devices')
})

test('what was read while keys were claimed is not kept', async t => {
  const { known, asked, told, claim } = world()
  const early = known.of(ALICE)
  await claim()
  for (const { answer } of asked) answer()
  t.is((await early)?.counts['signed_curve25519'], 5)
  t.deepEqual(await told(), [4, 1])
})

test('who has no device has no keys', t => {
  t.is(world().known.of({ ...ALICE, deviceId: undefined }), undefined)
})
