import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import { silentLog } from '../../core/log.ts'
import type { InvitationRecord } from '../../storage/invitations/records.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { AddressInvitations } from './address-invitations.ts'
import { InvitationRecords } from './records.ts'

const [ALICE, BOB] = ['@alice:here.test', '@bob:here.test']
const ADDRESS = 'bob@example.org'

testDatabases(test, 'what cannot be delivered just now waits, and keeps no other', async (t, database) => {
  const clock = new FakeClock()
  const records = new InvitationRecords(database)
  const delivered: [roomId: string, content: unknown][] = []
  const refusals = new Map<string, Error>()
  let owner: string | undefined
  let made = 0
  const addresses = new AddressInvitations({
    ...{ records, clock, log: silentLog, sendsMail: true },
    sending: {
      send: async () => undefined,
      checkHeld: async () => undefined,
      newId: () => `record ${made++}`,
      destination: async ({ roomId }: InvitationRecord) => ({ roomId, membership: undefined }),
      deliver: async ({ roomId, details }: InvitationRecord) => {
        const refusal = refusals.get(roomId)
        if (refusal !== undefined) throw refusal
        delivered.push([roomId, details.content])
      },
    },
    people: {
      ownerOf: async () => owner,
      addressesOf: async () => [ADDRESS],
      languagesOf: async () => [],
    },
  })
  const hold = async (roomId: string) => {
    const invitation = { sender: ALICE, roomId, medium: 'email', address: ADDRESS, reason: undefined }
    await addresses.send({ ...invitation, content: { is_direct: true } }, {})
    await clock.advance(1_000)
  }
  for (const roomId of ['!good', '!closed', '!busy', '!broken']) await hold(roomId)
  refusals.set('!closed', new MatrixError('M_FORBIDDEN', 'no'))
  refusals.set('!busy', new MatrixError('M_LIMIT_EXCEEDED', 'later'))
  refusals.set('!broken', new Error('cannot be read'))
  owner = BOB
  await addresses.deliverTo(BOB)
  t.deepEqual(delivered, [['!good', { is_direct: true }]])
  const statusOf = async (roomId: string) => (await records.read.one(roomId, `mailto:${ADDRESS}`))?.status
  t.is(await statusOf('!good'), undefined, 'it is another invitation now')
  t.is(await statusOf('!closed'), 'cancelled')
  t.deepEqual([await statusOf('!busy'), await statusOf('!broken')], ['scheduled', 'scheduled'])
  refusals.clear()
  await addresses.deliverTo(BOB)
  t.deepEqual(
    delivered.map(([roomId]) => roomId),
    ['!good', '!broken', '!busy'],
  )

  // However many of those there are.
  owner = undefined
  await hold('!oldest')
  for (let count = 0; count < 100; count++) {
    await hold(`!busy${count}`)
    refusals.set(`!busy${count}`, new MatrixError('M_LIMIT_EXCEEDED', 'later'))
  }
  owner = BOB
  await addresses.deliverTo(BOB)
  t.is(delivered.at(-1)?.[0], '!oldest')
})

testDatabases(test, 'what could not be sent is on record for its inviter', async (t, database) => {
  const clock = new FakeClock()
  const records = new InvitationRecords(database)
  const never = (): never => t.fail() as never
  let made = 0
  const addresses = new AddressInvitations({
    ...{ records, clock, log: silentLog, sendsMail: true },
    sending: {
      ...{ send: never, deliver: never, destination: never, checkHeld: async () => undefined },
      newId: () => `record ${made++}`,
    },
    people: { ownerOf: async () => undefined, addressesOf: never, languagesOf: never },
  })
  const by = { sender: ALICE, medium: 'email', address: 'Bob@Example.org', reason: 'come' }
  const refusal = new MatrixError('M_FORBIDDEN', 'no')
  await addresses.failed({ ...by, roomId: '!refused' }, {}, refusal)
  t.like(await records.read.one('!refused', `mailto:${ADDRESS}`), {
    ...{ status: 'cancelled', inviter: ALICE, dueTs: undefined },
    details: { comment: 'come', failure: { errcode: 'M_FORBIDDEN', error: 'no' } },
  })
  await addresses.send({ ...by, roomId: '!sent' }, {})
  await addresses.failed({ ...by, roomId: '!sent' }, {}, refusal)
  t.is((await records.read.one('!sent', `mailto:${ADDRESS}`))?.status, 'scheduled', 'what was sent stands')
})
