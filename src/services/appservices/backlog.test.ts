/** What a service is told in pieces after it was away. */
import test from 'ava'
import type { Database } from '../../storage/database.ts'
import { type NewReceipt, ReceiptWriter } from '../../storage/ephemeral/receipts.ts'
import { testDatabases } from '../../test-kit/database.ts'
import type { EphemeralServices } from '../ephemeral/index.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { AppServiceAudience } from './audience.ts'
import { PassingNews } from './passing-news.ts'

const ROOM = { nid: 1, roomId: '!room:a.test' }

const newsOf = (db: Database): PassingNews => {
  const audience = { interestingOf: async () => [ROOM], isOwn: () => false }
  const context = { db, read: { rooms: { byNids: async () => [ROOM] } } }
  const stop = () => {}
  const ephemeral = { typing: { onChange: () => stop }, presence: { states: { onAnnouncement: () => stop } } }
  const parts = { audience, context, ephemeral } as unknown as {
    audience: AppServiceAudience
    context: RoomsContext
    ephemeral: EphemeralServices
  }
  return new PassingNews(parts, stop)
}

testDatabases(test, 'thousands of receipts are told in turn, and none is left out', async (t, db) => {
  const write = new ReceiptWriter(db)
  const receipts = Array.from(
    { length: 1_200 },
    (_, nr): NewReceipt => ({
      ...{ roomNid: ROOM.nid, userId: `@user${nr}:a.test`, type: 'm.read', threadId: '' },
      ...{ eventId: '$e', eventPosition: 1, ts: 1 },
    }),
  )
  await db.commit({ statements: [write.move(receipts)] })
  const upTo = db.position('receipts')
  const news = newsOf(db)
  const told: string[] = []
  let after = 0
  for (let turn = 0; turn < 3; turn++) {
    const { texts, receiptsUpTo } = await news.take({ after, upTo })
    const users = texts.join().match(/@user\d+:a\.test/g) ?? []
    t.true(users.length <= 500)
    told.push(...users)
    after = receiptsUpTo
  }
  t.is(after, upTo)
  t.is(new Set(told).size, 1_200)
})
