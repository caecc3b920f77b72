import { createHash } from 'node:crypto'
import test from 'ava'
import { canonicalJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { parsePdu } from '../../core/event/format.ts'
import { contentHashMatches } from '../../core/event/signatures.ts'
import type { JsonObject } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import { type RoomVersion, roomVersion } from '../../core/room-versions.ts'
import { ALICE, CAROL, type Pair, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { setState, type WorldServer } from '../../test-kit/federation-world.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64').replace(/=+$/, '')

/** How a peer writes numbers on the way, and in what it hashes and signs. */
interface Writing {
  readonly sent: string
  readonly hashed: string
}

/** What a language with floats has made of its numbers, and the same as the appendices of the specification have it. */
const WAYS: Record<string, Writing> = {
  'hashed as it is sent': {
    sent: '{"big":9223372036854775807,"level":1.0,"list":[50.50,{"many":1e3}]}',
    hashed: '{"big":9223372036854775807,"level":1.0,"list":[50.50,{"many":1e3}]}',
  },
  'hashed in canonical form': {
    sent: '{"big":9223372036854775807,"level":1.0,"list":[50.50,{"many":1e3}]}',
    hashed: '{"big":9223372036854775807,"level":1,"list":[50.5,{"many":1000}]}',
  },
}

/** A state event of Alice's over whose text her server alone decides: its content is put in as it is written. */
const peculiar = async (
  { a }: Pair,
  roomId: string,
  { type, sent, hashed }: Writing & { type: string },
): Promise<JsonObject> => {
  const like = await setState(a, ALICE, roomId, { type: 'test.like', content: {} })
  const { hashes: _, signatures: __, ...rest } = like.pdu
  const pdu = { ...rest, type, ...(rest['event_id'] === undefined ? {} : { event_id: '$numbers:a.test' }) }
  const textWith = (content: string, more: JsonObject = {}): string =>
    canonicalJson({ ...pdu, ...more, content: 'CONTENT' }).replace('"CONTENT"', content)
  const hashes = { sha256: sha256(textWith(hashed)) }
  const kept = type === 'm.room.power_levels' ? hashed : '{}'
  const signature = a.core.signingKey.sign(Buffer.from(textWith(kept, { hashes })))
  const signatures = { [a.name]: { [a.core.signingKey.keyId]: signature } }
  return parseJson(textWith(sent, { hashes, signatures })) as JsonObject
}

const versionOf = (id: string): RoomVersion => {
  const version = roomVersion(id)
  if (version === undefined) throw new Error(`version ${id} is not known`)
  return version
}

/** The ID of an event if all is there that its content hash vouches for. */
const wholeId = (pdu: JsonObject, version: RoomVersion): string | undefined => {
  const parsed = parsePdu(pdu, version)
  return 'event' in parsed && contentHashMatches(parsed.event) ? parsed.event.eventId : undefined
}

const currentOf = async ({ core }: WorldServer, roomId: string, type: string) => {
  const head = await core.writer.head(roomId)
  return core.context.read.events.byId(head?.entry(type, '')?.eventId ?? '')
}

for (const version of ['1', '5']) {
  for (const [how, writing] of Object.entries(WAYS)) {
    test(`in a room of version ${version}, what holds numbers such as 1.0 is taken and relayed as it is (${how})`, async t => {
      const p = await pair(t)
      const { b, world } = p
      const roomId = await sharedRoom(p, { preset: 'public_chat', version: versionOf(version) })
      const pdu = await peculiar(p, roomId, { type: 'test.numbers', ...writing })
      t.deepEqual(await world.send(p.a, b, [pdu]), new Map())
      const stored = await currentOf(b, roomId, 'test.numbers')
      if (stored === undefined) return t.fail('it is not in the state')
      t.is(stored.event.content['level'], 1, 'it is not taken for redacted')
      const { eventId } = stored.event
      const c = await world.add('c.test')
      await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['b.test'] })
      t.is((await currentOf(c, roomId, 'test.numbers'))?.event.content['level'], 1, 'also at third hand')
      t.is(wholeId(await c.client.getEvent('b.test', eventId), versionOf(version)), eventId)
      const after = (await b.core.writer.head(roomId))?.extremities[0]?.eventId ?? ''
      const { state } = await c.client.getState('b.test', { roomId, eventId: after })
      const given = state.find(({ type }) => type === 'test.numbers')
      t.is(wholeId(given ?? {}, versionOf(version)), eventId)
    })
  }
}

test('power levels that are written as floats have the ID that their sender knows them by', async t => {
  const p = await pair(t)
  const roomId = await sharedRoom(p, { preset: 'public_chat', version: versionOf('5') })
  const text = `{"users":{"${ALICE}":100.0},"users_default":0.0}`
  const pdu = await peculiar(p, roomId, { type: 'm.room.power_levels', sent: text, hashed: text })
  t.deepEqual(await p.world.send(p.a, p.b, [pdu]), new Map())
  const stored = await currentOf(p.b, roomId, 'm.room.power_levels')
  t.like(stored?.event.content, { users: { [ALICE]: 100 } })
})

test('what a client writes as 1.0 goes out as the integer that it is', async t => {
  const p = await pair(t)
  const roomId = await sharedRoom(p, { preset: 'public_chat', version: versionOf('5') })
  const content = parseJson('{"level":1.0,"many":1e3}') as JsonObject
  const event = await setState(p.a, ALICE, roomId, { type: 'test.numbers', content })
  t.deepEqual(await p.world.send(p.a, p.b, [event]), new Map())
  const stored = await currentOf(p.b, roomId, 'test.numbers')
  t.deepEqual(stored?.event.content, { level: 1, many: 1000 })
  t.regex(canonicalJson(stored?.event.pdu ?? {}), /"many":1000/)
})

test('what a client writes as a number that others would sign in another way is refused', async t => {
  const p = await pair(t)
  const roomId = await sharedRoom(p, { preset: 'public_chat', version: versionOf('5') })
  const set = (content: JsonObject) => setState(p.a, ALICE, roomId, { type: 'test.numbers', content })
  await t.throwsAsync(set({ level: 1e-7 }), { instanceOf: MatrixError, message: /too small/ })
  t.is((await set({ level: 0.5 })).content['level'], 0.5)
})
