import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import {
  type InvitationPlace,
  type InvitationRecord,
  InvitationRecordReader,
  InvitationRecordWriter,
} from './records.ts'

const B = '@b:b.test'
const PENDING = 10_000

const record = (n: number): InvitationRecord => ({
  ...{
    roomId: `!${n}:a.test`,
    userId: B,
    recordId: `r${String(n).padStart(6, '0')}`,
    inviter: `@a${n % 7}:a.test`,
  },
  ...{ status: n % 10 === 0 ? 'declined' : 'invited', createdTs: Math.floor(n / 3), updatedTs: n },
  ...{
    expiresTs: undefined,
    deliverTs: undefined,
    sequence: 0,
    silent: false,
    eventId: `$${n}`,
    details: {},
  },
  dueTs: undefined,
})

testDatabases(test, 'an inbox with 10,000 pending invitations pages in bounded time', async (t, database) => {
  const read = new InvitationRecordReader(database)
  const write = new InvitationRecordWriter(database)
  const all = Array.from({ length: PENDING + PENDING / 8 }, (_, n) => record(n))
  await database.commit({
    statements: all.map((one, offset) => write.put(one, undefined, { stream: 'invitation_records', offset })),
  })
  const expected = all
    .filter(one => one.status === 'invited')
    .toSorted((one, two) => two.createdTs - one.createdTs || (one.recordId < two.recordId ? 1 : -1))
    .map(one => one.recordId)
  t.true(expected.length >= PENDING)
  const found: string[] = []
  let after: InvitationPlace | undefined
  do {
    const page = await read.page('received', { owner: B, statuses: ['invited'], after, limit: 100 })
    t.true(page.length <= 100)
    found.push(...page.map(one => one.recordId))
    after = page.at(-1)
  } while (after !== undefined)
  t.deepEqual(found, expected, 'all of them, newest first')
  t.is(await read.pending('received', B, PENDING / 2), PENDING / 2, 'counting ends where it is enough')
  const both = await read.page('received', {
    owner: B,
    statuses: ['declined', 'invited'],
    after: undefined,
    limit: 3,
  })
  t.deepEqual(
    both.map(one => one.recordId),
    all
      .slice(-3)
      .toReversed()
      .map(one => one.recordId),
  )
  if (database.dialect.name !== 'sqlite') return
  // Wherever the page is, nothing is read but its rows.
  const plan = database.prepare(
    `EXPLAIN QUERY PLAN SELECT room_id FROM invitation_records WHERE user_id = ? AND status = ?
     AND (created_ts, record_id) < (?, ?) ORDER BY created_ts DESC, record_id DESC LIMIT ?`,
  )
  const steps = await database.all<{ detail: string }>(plan, [B, 'invited', 10, 'r', 100])
  t.deepEqual(
    steps.map(({ detail }) => detail.replace(/ \(.*/, '')),
    ['SEARCH invitation_records USING COVERING INDEX invitation_records_received'],
  )
})
