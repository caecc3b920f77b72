import test from 'ava'
import fc from 'fast-check'
import { AccountDataWriter } from '../../storage/accounts/account-data.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const PEOPLE = ['@alice:here.test', '@bob:here.test', '@carol:here.test'] as const

/** Indexes are taken modulo what is there. */
type Step =
  | { readonly kind: 'say'; readonly by: number }
  | { readonly kind: 'relate'; readonly by: number; readonly to: number; readonly how: number }
  | { readonly kind: 'redact'; readonly what: number }
  | { readonly kind: 'wait' }

const index = fc.nat({ max: 1_000 })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('say' as const), by: index }),
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('relate' as const), by: index, to: index, how: index }),
    },
    fc.record({ kind: fc.constant('redact' as const), what: index }),
    fc.record({ kind: fc.constant('wait' as const) }),
  ),
  { minLength: 10, maxLength: 40 },
)

/** What a brute-force model knows of an event. */
interface Known {
  readonly id: string
  readonly sender: string
  readonly at: number
  readonly relation:
    | { readonly how: 'm.thread' | 'm.replace' | 'm.reference'; readonly to: string }
    | undefined
  redacted: boolean
}

const HOW = ['m.thread', 'm.replace', 'm.reference'] as const

const expected = (all: readonly Known[], root: Known, viewer: string, ignored: ReadonlySet<string>) => {
  const children = all.filter(one => !one.redacted && one.relation?.to === root.id)
  const of = (how: string) => children.filter(one => one.relation?.how === how)
  const shown = (list: readonly Known[]) => list.filter(one => !ignored.has(one.sender))
  const thread = shown(of('m.thread'))
  const references = shown(of('m.reference')).map(one => one.id)
  const edits = of('m.replace').filter(
    one => one.sender === root.sender && !root.redacted && root.relation?.how !== 'm.replace',
  )
  const newest = edits.toSorted((a, b) => b.at - a.at || (b.id < a.id ? -1 : 1))[0]
  return {
    count: thread.length,
    latest: thread.at(-1)?.id,
    participated:
      thread.length > 0 && (root.sender === viewer || of('m.thread').some(one => one.sender === viewer)),
    edit: newest?.id,
    references,
  }
}

test('aggregations are what a recount of all events says, for everybody, whatever was redacted', async t => {
  const database = await testDatabase(t)
  const { rooms, clock } = await testRooms(database)
  const [alice] = PEOPLE
  const accountData = new AccountDataWriter(database)
  // Carol ignores Bob.
  const ignored = { ignored_users: { [PEOPLE[1]]: {} } }
  await database.commit({
    statements: [accountData.set(PEOPLE[2], '', 'm.ignored_user_list', JSON.stringify(ignored))],
  })
  let transactions = 0
  const property = fc.asyncProperty(steps, async plan => {
    const room = newRoom(rooms, alice, { preset: 'public_chat' })
    const roomId = await rooms.roomCreation.create(room, { isDirect: false })
    for (const person of PEOPLE.slice(1)) await rooms.memberships.join({ userId: person, roomId })
    const all: Known[] = []
    const send = async (sender: string, content: object, relation: Known['relation']) => {
      const txnId = `t${transactions++}`
      const message = { roomId, type: 'm.room.message', txnId, content: content as Record<string, string> }
      const { eventId } = await rooms.sending.message(requesterOf(sender), message)
      all.push({ id: eventId, sender, at: clock.now(), relation, redacted: false })
    }
    await send(alice, { body: 'first' }, undefined)
    for (const step of plan) {
      if (step.kind === 'wait') await clock.advance(1)
      else if (step.kind === 'say') await send(PEOPLE[step.by % 3] ?? alice, { body: 'x' }, undefined)
      else if (step.kind === 'redact') {
        const target = all[step.what % all.length]
        if (target === undefined) continue
        const redaction = { roomId, redacts: target.id, txnId: `t${transactions++}`, reason: undefined }
        await rooms.sending.redaction(requesterOf(alice), redaction)
        target.redacted = true
      } else {
        const parent = all[step.to % all.length]
        const how = HOW[step.how % 3] ?? 'm.reference'
        if (parent === undefined) continue
        // Threads do not begin at what relates to something.
        if (how === 'm.thread' && parent.relation !== undefined && !parent.redacted) continue
        const relates = { rel_type: how, event_id: parent.id }
        const content = { body: 'y', 'm.relates_to': relates, 'm.new_content': { body: 'z' } }
        await send(PEOPLE[step.by % 3] ?? alice, content, { how, to: parent.id })
      }
    }
    for (const viewer of PEOPLE) {
      const unseen: ReadonlySet<string> = new Set(viewer === PEOPLE[2] ? [PEOPLE[1]] : [])
      for (const root of all) {
        const event = JSON.parse(await rooms.roomReading.event(requesterOf(viewer), roomId, root.id))
        const relations = event.unsigned['m.relations'] ?? {}
        const thread = relations['m.thread']
        const found = {
          count: thread?.count ?? 0,
          latest: thread?.latest_event.event_id,
          participated: thread?.current_user_participated ?? false,
          edit: relations['m.replace']?.event_id,
          references: (relations['m.reference']?.chunk ?? []).map(
            (one: { event_id: string }) => one.event_id,
          ),
        }
        t.deepEqual(found, expected(all, root, viewer, unseen))
      }
    }
  })
  await fc.assert(property, { numRuns: 8 })
})
