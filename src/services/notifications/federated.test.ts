/** What waits for people of this server when those it comes from are elsewhere: on another Tessera, or on a plain Matrix server. */
import test, { type ExecutionContext } from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { arrived, FederationWorld, stateAt } from '../../test-kit/federation-world.ts'
import { inboxesOf } from '../../test-kit/inboxes.ts'
import { newRoom, requesterOf } from '../../test-kit/rooms.ts'

const ALICE = '@alice:a.test'
const BOB = '@bob:b.test'
const DAY = 86_400_000
const LIMITS = { expiry: 30 * DAY, maxPerUser: 500 }

const yearOf = async (t: ExecutionContext, isPlain: boolean): Promise<void> => {
  t.timeout(600_000)
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  for (const { federation } of [a, b]) federation.start()
  if (!isPlain) inboxesOf(t, a, LIMITS)
  const inboxes = inboxesOf(t, b, LIMITS)
  const { notifications } = inboxes
  const center = notifications.services.notifications
  await inboxes.list(BOB)

  const { roomCreation, memberships, sending } = a.rooms
  const roomId = await roomCreation.create(newRoom(a.rooms, ALICE, { isPublic: true }), { isDirect: false })
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  const invited = await roomCreation.create(newRoom(a.rooms, ALICE, { name: 'Tea' }), { isDirect: false })
  await memberships.invite({ sender: ALICE, userId: BOB, roomId: invited, reason: 'come' })
  for (let week = 0; week < 52; week++) {
    const mentions = week % 3 === 0 ? { 'm.mentions': { user_ids: [BOB] } } : {}
    const content = { msgtype: 'm.text', body: `week ${week}`, ...mentions }
    const message = { roomId, type: 'm.room.message', txnId: `w${week}`, content }
    const { eventId } = await sending.message(requesterOf(ALICE), message)
    await arrived(b, eventId)
    await inboxes.settled()
    await a.clock.leap(7 * DAY)
    await b.clock.leap(7 * DAY)
    if (week % 10 === 0) await notifications.housekeeping.tidy()
  }
  await notifications.housekeeping.tidy()

  const { items, total } = await center.beginning(requesterOf(BOB), 100)
  const shown = items.map(item => JSON.parse(item) as { kind: string; created_ts: number; count?: number })
  t.is(total, shown.length)
  t.true(total < 15, `few, not the year’s: ${items}`)
  t.like(shown.at(-1), {
    kind: 'invitation',
    room: { name: 'Tea' },
    sender: { display_name: 'alice' },
    comment: 'come',
  })
  t.true(shown.every(({ kind, created_ts: ts }) => kind === 'invitation' || ts >= b.clock.now() - 30 * DAY))
  const folded = shown.filter(({ kind }) => kind === 'message')
  t.is(folded.length, 1)
  t.true((folded[0]?.count ?? 0) > 3, 'in one')
  const first = await center.beginning(requesterOf(BOB), 2)
  t.is(first.items.length, 2)
  t.not(first.nextBatch, undefined, 'the rest in pages')

  await b.rooms.memberships.leave({ userId: BOB, roomId: invited })
  await inboxes.settled()
  t.is((await inboxes.list(BOB, { kind: 'invitation' })).total, 0)
  await eventually('the inviter’s server hears', async () => {
    const member = await stateAt(a, invited, 'm.room.member', BOB)
    return member?.content['membership'] === 'leave'
  })
}

test('a year of notifications, then a quick first sync, across two servers', t => yearOf(t, false))
test('a year of notifications, then a quick first sync, where the peer is a plain Matrix server', t =>
  yearOf(t, true))
