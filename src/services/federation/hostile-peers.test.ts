import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { MatrixError } from '../../core/errors.ts'
import { addSignature, buildEvent } from '../../core/event/builder.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import type { JsonObject } from '../../core/json.ts'
import { signingKeyFromSeed } from '../../core/signing.ts'
import { createRateLimiter } from '../../http/rate-limit.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import {
  FederationWorld,
  messagesOf,
  say,
  stateAt,
  type WorldServer,
} from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'

const ALICE = '@alice:a.test'
const BOB = '@bob:b.test'

/** Alice's room on `a`, which Bob has joined from `b`; from now on `a` keeps to no rules. */
const prey = async (t: ExecutionContext, database?: WorldServer['database']) => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test')
  const b = await world.add('b.test', database === undefined ? {} : { database })
  const fields = newRoom(a.rooms, ALICE, { preset: 'public_chat' })
  const roomId = await a.rooms.roomCreation.create(fields, { isDirect: false })
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  return { world, a, b, roomId }
}

interface Forged {
  readonly redacts?: string
  readonly sender?: string
  readonly type?: string
  readonly stateKey?: string
  readonly content?: JsonObject
  readonly prevEvents?: readonly string[]
  readonly authEvents?: readonly string[]
  readonly depth?: number
  readonly originServerTs?: number
}

const forge = async (
  { core, clock, name }: WorldServer,
  roomId: string,
  fields: Forged,
  key = core.signingKey,
): Promise<RoomEvent> => {
  const head = await core.writer.head(roomId)
  if (head === undefined) throw new Error('no such room')
  const sender = fields.sender ?? ALICE
  const authEvents = [
    ['m.room.power_levels', ''],
    ['m.room.member', sender],
  ].flatMap(([type = '', stateKey = '']) => head.entry(type, stateKey)?.eventId ?? [])
  return buildEvent(
    {
      ...{ version: head.version, roomId, type: 'm.room.message', content: { body: 'forged' } },
      ...{ prevEvents: head.extremities.map(end => end.eventId), authEvents, depth: head.nextDepth },
      ...{ originServerTs: clock.now(), ...fields, sender },
    },
    name,
    key,
  )
}

test('a past without end is not followed without end', async t => {
  const { world, a, b, roomId } = await prey(t)
  let made = 0
  // Each answer is as long as it may be, well formed, signed, and hangs on another event that nobody has.
  Object.assign(b.client, {
    getMissingEvents: async () => {
      const events: JsonObject[] = []
      let previous = `$${'x'.repeat(40)}${made}`
      for (let i = 0; i < 50; i++) {
        const event = await forge(a, roomId, {
          prevEvents: [previous],
          content: { body: `${made++}` },
          depth: 500,
        })
        events.push(event.pdu)
        previous = event.eventId
      }
      return events
    },
  })
  const before = world.requests.length
  const last = await forge(a, roomId, { prevEvents: [`$${'y'.repeat(43)}`], depth: 1_000 })
  await world.send(a, b, [last])
  t.true(made <= 12 * 50, `${made} events were asked for`)
  t.true(world.requests.length - before < 1_000, `${world.requests.length - before} requests`)
  const good = await say(a, ALICE, roomId, 'the room goes on')
  await world.send(a, b, [good])
  t.true((await messagesOf(b, roomId)).includes('the room goes on'))
})

testDatabases(test, 'names of events that are too long for any index stop nothing', async (t, database) => {
  const { world, a, b, roomId } = await prey(t, database)
  const tooLong = `$${randomBytes(9_000).toString('base64url')}`
  const hangsOn = await forge(a, roomId, { prevEvents: [tooLong] })
  const refused = await world.send(a, b, [hangsOn])
  t.regex(refused.get(hangsOn.eventId) ?? '', /references/)
  const redaction = await forge(a, roomId, { type: 'm.room.redaction', content: {}, redacts: tooLong })
  const after = await forge(a, roomId, { prevEvents: [redaction.eventId], content: { body: 'on it goes' } })
  t.deepEqual([...(await world.send(a, b, [redaction, after]))], [])
  t.deepEqual(await messagesOf(b, roomId), ['on it goes'])
})

test('servers of a gap that are gone keep no newcomer of another transaction waiting', async t => {
  const { world, a, b, roomId } = await prey(t)
  const { getServerKeys } = b.client
  const gone: string[] = []
  const { promise: silence, resolve: end } = Promise.withResolvers<void>()
  Object.assign(b.client, {
    getMissingEvents: async () =>
      Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const sender = `@user:gone${index}.test`
          return (await forge(a, roomId, { sender, prevEvents: [`$${'x'.repeat(43)}`] })).pdu
        }),
      ).then(pdus => pdus.map(pdu => ({ ...pdu, signatures: signaturesOf(pdu) }))),
    getServerKeys: async (server: string) => {
      if (!server.startsWith('gone')) return getServerKeys(server)
      gone.push(server)
      return silence.then(() => getServerKeys(server))
    },
  })
  const { idle } = b.federation
  Object.assign(b.federation, { idle: async () => undefined })
  await world.send(a, b, [await forge(a, roomId, { prevEvents: [`$${'y'.repeat(43)}`] })])
  await eventually('their keys are asked for', () => gone.length === 50)
  const c = await world.add('c.test')
  const carol = '@carol:c.test'
  await c.rooms.memberships.join({ userId: carol, roomId, via: ['a.test'] })
  const join = await stateAt(a, roomId, 'm.room.member', carol)
  t.deepEqual([...(await world.send(a, b, join === undefined ? [] : [join]))], [])
  t.is((await stateAt(b, roomId, 'm.room.member', carol))?.content['membership'], 'join')
  end()
  await idle()
})

/** As if the sender's server had signed. */
const signaturesOf = ({ sender, signatures }: JsonObject): JsonObject => {
  const [signed] = Object.values(signatures as JsonObject)
  return { [String(sender).split(':')[1] ?? '']: signed ?? {} }
}

test('an auth chain that lies authorises nothing', async t => {
  const { world, a, b, roomId } = await prey(t)
  const mallory = '@mallory:a.test'
  const wrongKey = signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(99))
  const promote = { type: 'm.room.power_levels', stateKey: '', content: { users: { [mallory]: 100 } } }
  const usurper = await forge(a, roomId, { sender: mallory, ...promote })
  const unsigned = await forge(a, roomId, promote, wrongKey)
  const [create = ''] = [(await stateAt(a, roomId, 'm.room.member', ALICE))?.eventId]
  const attack = await forge(a, roomId, {
    ...{ sender: ALICE, type: 'm.room.topic', stateKey: '', content: { topic: 'mine' } },
    authEvents: [create, usurper.eventId, unsigned.eventId],
  })
  const lies = [usurper.pdu, unsigned.pdu]
  Object.assign(b.client, {
    getEvent: async () => lies[0],
    getEventAuth: async () => lies,
  })
  await world.send(a, b, [attack])
  t.is(await stateAt(b, roomId, 'm.room.topic'), undefined)
  t.not((await stateAt(b, roomId, 'm.room.power_levels'))?.eventId, usurper.eventId)
  t.is(await b.core.context.read.events.byId(unsigned.eventId), undefined)
})

test('replayed, reordered and repeated, everything is there once', async t => {
  const { world, a, b, roomId } = await prey(t)
  const events: RoomEvent[] = []
  for (let i = 0; i < 12; i++) events.push(await say(a, ALICE, roomId, `${i}`))
  const backwards = events.toReversed()
  for (const event of backwards) await world.send(a, b, [event, event])
  await world.send(a, b, events, 'again')
  await world.send(a, b, backwards, 'again')
  t.deepEqual((await messagesOf(b, roomId)).toSorted(), events.map((_, i) => `${i}`).toSorted())
})

test('clocks that are wrong, and signatures in others’ names', async t => {
  const { world, a, b, roomId } = await prey(t)
  const future = await forge(a, roomId, { originServerTs: 9_000_000_000_000, content: { body: 'from afar' } })
  const refused = await world.send(a, b, [future])
  // "A signing key must have been valid at the time the event was sent" (rooms/v5.md): nobody's is as long as that.
  t.regex(refused.get(future.eventId) ?? '', /signature/)
  const past = await forge(a, roomId, { originServerTs: 1, content: { body: 'from long ago' } })
  await world.send(a, b, [past])
  t.deepEqual(await messagesOf(b, roomId), ['from long ago'])
  // Bob's server is told in Bob's name what Bob never said.
  const forged = await forge(a, roomId, { sender: BOB, content: { body: 'I, Bob' } })
  const inHisName = addSignature(
    forged,
    'b.test',
    signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(8)),
  )
  const answers = await world.send(a, b, [forged, inHisName])
  t.is(answers.size, 1)
  t.deepEqual(await messagesOf(b, roomId), ['from long ago'])
})

test('a server that does not wait for its answers is told to', async t => {
  const { a, b } = await prey(t)
  const held = Promise.withResolvers<void>()
  b.federation.transactions.onEdu('m.slow', () => held.promise)
  const send = (n: number) =>
    b.federation.transactions.receive('a.test', `t${n}`, {
      pdus: [],
      edus: [{ edu_type: 'm.slow', content: { n } }],
    })
  const taken = [1, 2, 3, 4].map(send)
  const error = await t.throwsAsync(send(5), { instanceOf: MatrixError })
  t.is(error?.errcode, 'M_LIMIT_EXCEEDED')
  t.true(Number(error?.fields['retry_after_ms']) > 0)
  held.resolve()
  await Promise.all(taken)
  await send(5)
  await b.federation.transactions.receive(a.name, 't6', { pdus: [], edus: [] })
  t.pass()
})

test('nobody is buried under invitations', async t => {
  const { a, b } = await prey(t)
  const limiter = createRateLimiter({ invited: { perSecond: 0.05, burst: 50 } }, b.clock)
  b.federation.invitations.checks.push(async ({ userId }) => limiter.check('invited', userId))
  const roomId = await a.rooms.roomCreation.create(newRoom(a.rooms, ALICE, { preset: 'private_chat' }), {
    isDirect: false,
  })
  const create = await stateAt(a, roomId, 'm.room.create')
  const invite = async (n: number, userId: string) => {
    const content = { membership: 'invite', n }
    const event = await forge(a, roomId, { type: 'm.room.member', stateKey: userId, content })
    return b.federation.invitations.receive('a.test', {
      ...{ roomId, eventId: event.eventId, event: event.pdu, roomVersion: '12' },
      roomState: create === undefined ? [] : [create.pdu],
    })
  }
  for (let n = 0; n < 50; n++) await invite(n, '@eve:b.test')
  const error = await t.throwsAsync(invite(50, '@eve:b.test'), { instanceOf: MatrixError })
  t.is(error?.errcode, 'M_LIMIT_EXCEEDED')
  await invite(51, '@finn:b.test')
  await b.clock.advance(20_000)
  await invite(52, '@eve:b.test')
  t.is((await b.core.context.read.invitations.one('@eve:b.test', roomId))?.status, 'invited')
})
