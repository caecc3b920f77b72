import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { RoomBuilder } from '../../test-kit/room-builder.ts'
import { versionsIn } from '../../test-kit/room-lines.ts'
import type { Verdict } from '../event/event.ts'
import type { JsonObject } from '../json.ts'
import { signingKeyFromSeed, signJson } from '../signing.ts'
import { authorise } from './authorise.ts'

interface RuleGroup {
  readonly about: string
  readonly versions: string
  readonly room: readonly string[]
  /** A line, on top of the room, and the rule that refuses it; `null` where it is allowed. */
  readonly attempts: readonly (readonly [line: string, refusal: string | null])[]
}

const groups: readonly RuleGroup[] = JSON.parse(
  readFileSync(new URL('fixtures/rules.json', import.meta.url), 'utf8'),
)

/** What the rules say of a line on top of a room, by the state after the room. */
const judge = (room: RoomBuilder, line: string): Verdict => {
  const last = room.events.at(-1)
  const state = last === undefined ? new Map<string, string>() : room.stateAfter(room.nameOf(last.eventId))
  const attempted = room.draft(line)
  return authorise(attempted, { state: room.lookup(state), createEvent: room.createEvent })
}

for (const { about, versions, room, attempts } of groups) {
  test(`${about} (v${versions})`, t => {
    for (const version of versionsIn(versions)) {
      const built = new RoomBuilder(version, room)
      for (const [line, refusal] of attempts) {
        t.is(judge(built, line)?.rule, refusal ?? undefined, `v${version}: ${line}`)
      }
    }
  })
}

test('every refusal that the rules can give is provoked by a test', t => {
  const sources = [
    'authorise.ts',
    ...readdirSync(new URL('rules', import.meta.url)).map(file => `rules/${file}`),
  ]
  const named = sources.flatMap(file => [
    ...readFileSync(new URL(file, import.meta.url), 'utf8').matchAll(/refuse\('([^']+)'/g),
  ])
  const provoked = new Set(groups.flatMap(group => group.attempts.map(([, refusal]) => refusal)))
  const elsewhere = /^member\.third_party_invite\.|^create\.(room_id|other_room)$|^redaction\.power$/
  const missing = named
    .map(([, rule = '']) => rule)
    .filter(rule => !provoked.has(rule) && !elsewhere.test(rule))
  t.deepEqual(missing, [])
})

test('a create event with a room ID is refused from v12 on', t => {
  const create = new RoomBuilder('12', ['CREATE: alice create']).event('CREATE')
  const context = { state: () => undefined, createEvent: undefined }
  t.is(authorise(create, context), undefined)
  const named = { ...create, pdu: { ...create.pdu, room_id: create.roomId } }
  t.is(authorise(named, context)?.rule, 'create.room_id')
})

test('the create event must be that of the room ID, from v12 on', t => {
  const room = new RoomBuilder('12', ['CREATE: alice create'])
  const other = new RoomBuilder('12', ['OTHER: alice create'])
  const context = { state: () => undefined, createEvent: other.createEvent }
  t.is(authorise(room.draft('JA: alice join'), context)?.rule, 'create.other_room')
  t.is(
    authorise(room.draft('JA: alice join'), { ...context, createEvent: undefined })?.rule,
    'create.missing',
  )
})

test('in v1 and v2 a redaction of another server takes the redact level', t => {
  for (const version of ['1', '2']) {
    const room = new RoomBuilder(version, ['CREATE: alice create', 'JA: alice join', 'JR: alice rule public'])
    room.add('JB: bob join', 'M: alice say hello')
    const redaction = { ...room.draft('X: bob redact M'), eventId: '$X:bob.test' }
    const state = room.lookup(room.stateAfter('M'))
    const judged = (sender: string, redacts?: string): string | undefined =>
      authorise({ ...redaction, sender, redacts }, { state, createEvent: undefined })?.rule
    t.is(judged('@bob:bob.test', '$M:alice.test'), 'redaction.power')
    t.is(judged('@bob:bob.test', undefined), 'redaction.power')
    t.is(judged('@bob:bob.test', '$other:bob.test'), undefined)
    t.is(judged('@alice:alice.test', '$M:alice.test'), undefined)
  }
})

const identityServer = signingKeyFromSeed('ed25519:0', Buffer.alloc(32, 1))
const stranger = signingKeyFromSeed('ed25519:0', Buffer.alloc(32, 2))
const offer = {
  public_key: identityServer.publicKey,
  public_keys: [{ public_key: stranger.publicKey }, null],
}
const signed = { mxid: '@bob:bob.test', token: 'token' }
const signedBy = (key: typeof stranger, content: JsonObject = signed): JsonObject => ({
  signed: signJson(content, 'identity.test', key),
})

for (const { about, invite, refusal, keys = offer } of [
  { about: 'the key', invite: signedBy(identityServer) },
  { about: 'a key of the list', invite: signedBy(stranger) },
  { about: 'no key', invite: signedBy(stranger), keys: {}, refusal: 'signature' },
  {
    about: 'another key',
    invite: signedBy(stranger),
    keys: { ...offer, public_keys: 7 },
    refusal: 'signature',
  },
  { about: 'nobody', invite: { signed }, refusal: 'signature' },
  {
    about: 'something else',
    invite: { signed: { ...signed, signatures: { a: 1, b: { c: 1 } } } },
    refusal: 'signature',
  },
  { about: 'nothing signed', invite: {}, refusal: 'signed' },
  { about: 'null', invite: null, refusal: 'signed' },
  { about: 'no user ID', invite: { signed: { token: 'token' } }, refusal: 'format' },
  { about: 'no token', invite: { signed: { mxid: '@bob:bob.test' } }, refusal: 'format' },
  {
    about: 'another user',
    invite: signedBy(stranger, { ...signed, mxid: '@carol:c.test' }),
    refusal: 'mxid',
  },
  { about: 'another token', invite: signedBy(stranger, { ...signed, token: 'other' }), refusal: 'token' },
]) {
  test(`third-party invites, signed by ${about}`, t => {
    for (const version of versionsIn('1-12')) {
      const room = new RoomBuilder(version, ['CREATE: alice create', 'JA: alice join'])
      room.add(`OFFER: alice state m.room.third_party_invite "token" ${JSON.stringify(keys)}`)
      const content = JSON.stringify({ membership: 'invite', third_party_invite: invite })
      const line = `X: alice state m.room.member "@bob:bob.test" ${content}`
      const rule = refusal === undefined ? undefined : `member.third_party_invite.${refusal}`
      t.is(judge(room, line)?.rule, rule)
    }
  })
}

test('third-party invites are for their sender to give, and not for the banned', t => {
  for (const version of versionsIn('1-12')) {
    const room = new RoomBuilder(version, ['CREATE: alice create', 'JA: alice join', 'JR: alice rule public'])
    room.add(
      `OFFER: alice state m.room.third_party_invite "token" ${JSON.stringify(offer)}`,
      'JC: carol join',
    )
    const content = JSON.stringify({ membership: 'invite', third_party_invite: signedBy(identityServer) })
    const line = (sender: string): string => `X: ${sender} state m.room.member "@bob:bob.test" ${content}`
    t.is(judge(room, line('carol'))?.rule, 'member.third_party_invite.sender')
    // Whoever made the offer need not be in the room any more: only the rules of this branch count.
    room.add('LA: alice leave')
    t.is(judge(room, line('alice')), undefined)
    room.add('!BB: alice ban bob')
    t.is(judge(room, line('alice'))?.rule, 'member.third_party_invite.banned')
  }
})

test('an invite full of keys and signatures costs a bounded number of verifications', t => {
  const many = Array.from({ length: 40 }, (_, index) =>
    signingKeyFromSeed('ed25519:0', Buffer.alloc(32, index + 3)),
  )
  const signatures = Object.fromEntries(
    many.map((key, index) => [`ed25519:${index}`, key.sign(Buffer.from('x'))]),
  )
  const last = identityServer.sign(Buffer.from(`{"mxid":"@bob:bob.test","token":"token"}`))
  const invite = { signed: { ...signed, signatures: { a: signatures, z: { 'ed25519:z': last } } } }
  const judged = (keys: number): string | undefined => {
    const room = new RoomBuilder('12', ['CREATE: alice create', 'JA: alice join'])
    const public_keys = many.slice(0, keys).map(key => ({ public_key: key.publicKey }))
    const content = JSON.stringify({ public_key: identityServer.publicKey, public_keys })
    room.add(`OFFER: alice state m.room.third_party_invite "token" ${content}`)
    const member = JSON.stringify({ membership: 'invite', third_party_invite: invite })
    return judge(room, `X: alice state m.room.member "@bob:bob.test" ${member}`)?.rule
  }
  t.is(judged(2), undefined)
  t.is(judged(30), 'member.third_party_invite.signature')
})
