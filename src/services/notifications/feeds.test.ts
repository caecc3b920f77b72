import test from 'ava'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { inboxesOf, testInboxes } from '../../test-kit/inboxes.ts'
import { newRoom, requesterOf } from '../../test-kit/rooms.ts'

const ALICE = '@alice:here.test'
const READERS = Array.from({ length: 20 }, (_, index) => `@reader${index}:here.test`)

test('many redactions are no more work for those who hear of them than one', async t => {
  const { database, during } = countedReads(await testDatabase(t))
  const before = await testInboxes(t, database)
  const { rooms } = before
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { isPublic: true }), {
    isDirect: false,
  })
  for (const userId of READERS) {
    await rooms.memberships.join({ userId, roomId })
    await before.list(userId)
  }
  const said: string[] = []
  for (let count = 0; count < 32; count++) said.push(await before.say(ALICE, roomId))
  await before.settled()
  await before.notifications.close()
  const redact = async (count: number) => {
    for (const eventId of said.splice(0, count)) {
      const redaction = { roomId, redacts: eventId, reason: undefined, txnId: eventId }
      await rooms.sending.redaction(requesterOf(ALICE), redaction)
    }
    await before.push.counter.counted(database.position('events'))
    const world = inboxesOf(t, { ...before, database })
    const reads = await during(() => world.settled())
    for (const userId of READERS) t.is((await world.list(userId)).items[0]?.count, said.length)
    await world.notifications.close()
    return reads
  }
  const [one, many] = [await redact(1), await redact(25)]
  t.log(one, many)
  t.true(many < 2 * one, `${many} reads, and ${one} for one`)
})
