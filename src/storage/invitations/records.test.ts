import test from 'ava'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { bothDatabases } from '../../test-kit/database.ts'
import { ThirdPartyIdWriter } from '../accounts/third-party-ids.ts'
import { InvitationRecordReader, InvitationRecordWriter } from './records.ts'

const BOB = '@bob:here.test'
const MANY = 20_000
const PAGE = 100

bothDatabases(
  test,
  'twenty thousand invitations to one user, and by one, are counted and paged through, newest first',
  async (t, plain) => {
    const { database, during } = countedReads(plain)
    const write = new InvitationRecordWriter(database)
    const record = (n: number) => ({
      ...{
        roomId: `!r${n}`,
        userId: BOB,
        recordId: `i${n}`,
        inviter: '@alice:away.test',
        status: 'invited' as const,
      },
      // Many at the same moment.
      ...{
        createdTs: Math.floor(n / 7),
        updatedTs: n,
        sequence: 0,
        silent: false,
        eventId: `$e${n}`,
        details: {},
      },
      ...{ expiresTs: undefined, deliverTs: undefined, dueTs: undefined },
    })
    for (let from = 0; from < MANY; from += 1_000)
      await database.commit({
        statements: Array.from({ length: 1_000 }, (_, offset) =>
          write.put(record(from + offset), undefined, { stream: 'invitation_records', offset }),
        ),
      })

    const read = new InvitationRecordReader(database)
    for (const [direction, owner] of [
      ['sent', '@alice:away.test'],
      ['received', BOB],
    ] as const) {
      t.is(await read.pending(direction, owner, 500), 500, 'counted no further than asked')
      const query = { owner, statuses: ['invited', 'declined'] as const, after: undefined, limit: 20 }
      const newest = await read.page(direction, query)
      t.is(newest.length, 20)
      t.is(newest[0]?.createdTs, Math.floor((MANY - 1) / 7))
    }
    const seen: { createdTs: number; recordId: string }[] = []
    for (;;) {
      const query = { owner: BOB, statuses: ['invited'] as const, after: seen.at(-1), limit: PAGE }
      let page: typeof seen = []
      const reads = await during(async () => {
        page = await read.page('received', query)
      })
      t.is(reads, 1, 'as much work for the last page as for the first')
      seen.push(...page)
      if (page.length < PAGE) break
    }
    t.is(new Set(seen.map(({ recordId }) => recordId)).size, MANY, 'all of them')
    t.is(seen.length, MANY, 'each once')
    t.true(seen.every(({ createdTs }, index) => createdTs <= (seen[index - 1]?.createdTs ?? createdTs)))
    for (const [direction, owner] of [
      ['sent', '@alice:away.test'],
      ['received', BOB],
    ] as const) {
      const query = { owner, statuses: ['invited', 'declined'] as const, after: undefined, limit: 20 }
      const inRoom = await read.page(direction, { ...query, roomId: '!r77' })
      t.deepEqual(
        inRoom.map(({ recordId }) => recordId),
        ['i77'],
        'those of one room, of so many',
      )
      t.deepEqual(await read.page(direction, { ...query, roomId: '!r77', after: inRoom[0] }), [])
    }
  },
)

bothDatabases(test, 'whose addresses invitations are held for', async (t, database) => {
  const write = new InvitationRecordWriter(database)
  const held = (address: string, status: 'scheduled' | 'cancelled') =>
    write.put(
      {
        ...{
          roomId: '!r',
          userId: `mailto:${address}`,
          recordId: address,
          inviter: '@alice:here.test',
          status,
        },
        ...{ createdTs: 1, updatedTs: 1, sequence: 0, silent: false, eventId: undefined, details: {} },
        ...{ expiresTs: undefined, deliverTs: undefined, dueTs: undefined },
      },
      undefined,
      { stream: 'invitation_records', offset: 0 },
    )
  const threepids = new ThirdPartyIdWriter(database)
  const owned = (userId: string, address: string) =>
    threepids.insert(userId, { medium: 'email', address, validatedTs: 1, addedTs: 1 })
  await database.commit({
    statements: [
      ...[held('bob@x', 'scheduled'), held('carol@x', 'cancelled'), held('nobody@x', 'scheduled')],
      ...[
        owned('@bob:here.test', 'bob@x'),
        owned('@bob:here.test', 'bob@y'),
        owned('@carol:here.test', 'carol@x'),
      ],
    ],
  })
  t.deepEqual(await new InvitationRecordReader(database).ownersOfHeld(10), ['@bob:here.test'])
})
