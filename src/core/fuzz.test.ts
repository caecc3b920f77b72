import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { anyCharacter, anyJson, objectOf } from '../test-kit/arbitrary-json.ts'
import { anyContent, anyObject, anyVersion, nearlyPdu } from '../test-kit/arbitrary-pdu.ts'
import { pduOf } from '../test-kit/pdus.ts'
import { randomRoom } from '../test-kit/random-room.ts'
import { randomRuns } from '../test-kit/random-runs.ts'
import { versionsIn } from '../test-kit/room-lines.ts'
import { authEventsFor } from './auth/auth-events.ts'
import { authorise } from './auth/authorise.ts'
import { checkAuthEvents } from './auth/check-auth-events.ts'
import { powerLevelOf } from './auth/power-levels.ts'
import { redactionAllowed } from './auth/redaction-allowed.ts'
import { CanonicalJsonError, canonicalJson, parseJson } from './canonical-json.ts'
import type { RoomEvent } from './event/event.ts'
import { parsePdu, trustedEvent } from './event/format.ts'
import { redactPdu } from './event/redaction.ts'
import {
  contentHashMatches,
  eventWithRedactedContent,
  requiredSigners,
  signedBytes,
} from './event/signatures.ts'
import { roomEventFilter } from './filter.ts'
import { compileGlob, globMatches } from './glob.ts'
import { historyVisibilityOf } from './history-visibility.ts'
import { isRoomAlias, isUserId, parseServerName, serverNameOf } from './ids.ts'
import { JsonParseError } from './parse-json.ts'
import { isServerAllowed, parseServerAcl } from './server-acl.ts'
import { signatureKeyIds, signatureOf, verifyJson, verifySignature } from './signing.ts'
import { resolveState } from './state-resolution/resolve.ts'

/**
 * What comes from peers is bytes and JSON of their choosing. Whatever they choose: no exception but those that are
 * declared, and no more time than the size allows.
 */
const RUNS = randomRuns(100)

const fuzz = <T>(arbitrary: fc.Arbitrary<T>, body: (value: T) => void): void =>
  fc.assert(fc.property(arbitrary, body), { numRuns: RUNS })

test('JSON text: anything is read or refused', t => {
  fuzz(
    fc.oneof(
      fc.string(),
      fc.json(),
      fc.string({ unit: anyCharacter }),
      anyJson.map(value => JSON.stringify(value)),
    ),
    text => {
      try {
        parseJson(text)
      } catch (error) {
        t.true(error instanceof JsonParseError)
      }
    },
  )
})

test('JSON values: anything has a canonical form or none', t => {
  fuzz(anyJson, value => {
    for (const strictNumbers of [true, false]) {
      try {
        const text = canonicalJson(value, { strictNumbers })
        t.is(canonicalJson(parseJson(text), { strictNumbers }), text)
      } catch (error) {
        t.true(error instanceof CanonicalJsonError)
      }
    }
  })
})

/** Everything that is done with an event of a peer before a room is asked. */
const handle = (t: ExecutionContext, event: RoomEvent): void => {
  const redacted = redactPdu(event.pdu, event.version)
  t.deepEqual(redactPdu(redacted, event.version), redacted)
  t.true(requiredSigners(event).length <= 3)
  t.true(signedBytes(event).length > 0)
  contentHashMatches(event)
  t.is(eventWithRedactedContent(event).eventId, event.eventId)
  authEventsFor(event, event.version)
  historyVisibilityOf(event)
}

test('events: anything is parsed or refused by a rule, and what is parsed can be handled', t => {
  let accepted = 0
  fuzz(
    fc.oneof(nearlyPdu, fc.record({ pdu: anyObject, version: anyVersion })),
    ({ pdu: value, version: of }) => {
      const parsed = parsePdu(value, of)
      if ('refusal' in parsed)
        t.regex(parsed.refusal.rule, /^(event-field|event-size|event-references|canonical-json)$/)
      else {
        accepted += 1
        handle(t, parsed.event)
      }
    },
  )
  fuzz(
    fc.record({ value: anyJson, version: anyVersion }),
    ({ value, version: of }) => void parsePdu(value, of),
  )
  t.true(accepted > RUNS / 40, `${accepted} were events`)
})

test('rules: anything that is an event is allowed or refused, in any state', t => {
  const state = fc.array(nearlyPdu, { minLength: 1, maxLength: 8 })
  fuzz(fc.record({ state, subject: nearlyPdu }), drawn => {
    const of = drawn.subject.version
    const events = [...drawn.state, drawn.subject].flatMap(one => {
      const parsed = parsePdu(pduOf(of, one.pdu), of)
      return 'event' in parsed ? parsed.event : []
    })
    const subject = events.at(-1)
    if (subject === undefined) return
    const lookup = (type: string, stateKey: string): RoomEvent | undefined =>
      events.find(event => event.type === type && event.stateKey === stateKey)
    const create = lookup('m.room.create', '')
    checkAuthEvents(subject, events, () => false)
    const refusal = authorise(subject, { state: lookup, createEvent: create })
    if (refusal !== undefined) t.regex(refusal.rule, /^[a-z_]+(\.[a-z0-9_]+)*$/)
    const powers = { create, powerLevels: lookup('m.room.power_levels', ''), version: of }
    t.is(typeof powerLevelOf(subject.sender, powers), 'number')
    redactionAllowed(subject, events[0] ?? subject, powers)
  })
})

test('states: any states of any events are resolved', t => {
  const conflict = randomRoom(versionsIn('1-12'), 12).chain(room =>
    fc.record({
      room: fc.constant(room),
      wild: fc.array(anyContent, { minLength: 4, maxLength: 4 }),
      sets: fc.array(fc.array(fc.nat(30), { maxLength: 12 }), { minLength: 2, maxLength: 4 }),
    }),
  )
  fc.assert(
    fc.property(conflict, ({ room, wild, sets }) => {
      // Some of the events say something else than their rules expect.
      const events = new Map(
        room.events.map((event, index) => [
          event.eventId,
          index % 5 === 4 ? { ...event, content: wild[index % 4] ?? {} } : event,
        ]),
      )
      const ids = [...events.keys()]
      const states = sets.map(
        indexes => new Map(indexes.map(index => [`4:x${index % 7}`, ids[index % ids.length] ?? ''])),
      )
      const { state } = resolveState(room.version, states, id => events.get(id))
      for (const id of state.values()) t.true(events.has(id))
    }),
    { numRuns: Math.ceil(RUNS / 5) },
  )
})

test('what else peers write: ACLs, names, signatures, filters, patterns', t => {
  fuzz(fc.record({ object: anyObject, text: fc.string(), other: fc.string() }), ({ object, text, other }) => {
    isServerAllowed(parseServerAcl({ ...object, allow: [text, other], deny: object['x'] ?? [] }), text)
    t.is(typeof serverNameOf(text), 'string')
    parseServerName(text)
    isUserId(text)
    isRoomAlias(text)
    globMatches(compileGlob(text), other)
    signatureKeyIds({ signatures: object }, text)
    signatureOf({ signatures: object }, text, other)
    t.false(verifyJson({ ...object, signatures: { a: { 'ed25519:1': text } } }, 'a', 'ed25519:1', other))
    t.false(verifySignature(text, Buffer.from(other), text))
    roomEventFilter({ types: [text], not_senders: [other] })
  })
})

const tryParse = (text: string): void => {
  try {
    parseJson(text)
  } catch (error) {
    if (!(error instanceof JsonParseError)) throw error
  }
}

/** More than any peer may send: what took time by the square of this would not end before the tests do. */
const SIZE = 2_000_000

const HOSTILE: Readonly<Record<string, () => void>> = {
  backslashes: () => tryParse(`"${'\\'.repeat(SIZE)}`),
  'escaped quotes': () => tryParse(`"${'\\"'.repeat(SIZE)}`),
  'irregular numbers': () => tryParse(`[${'1.0,'.repeat(SIZE / 4)}1]`),
  'open brackets': () => tryParse('['.repeat(SIZE)),
  'long numbers': () => tryParse('9'.repeat(SIZE)),
  'keys in reverse': () => {
    canonicalJson(objectOf(Array.from({ length: SIZE / 10 }, (_, i) => [`k${SIZE - i}`, i])))
  },
  // A pattern is part of an event, a name has 255 bytes.
  stars: () => void globMatches(compileGlob('*a'.repeat(30_000)), `${'a'.repeat(254)}b`),
  colons: () => void parseServerName(':'.repeat(SIZE)),
  dots: () => void parseServerName('1.'.repeat(SIZE)),
}

for (const [name, work] of Object.entries(HOSTILE)) {
  test(`what is made to take long does not: ${name}`, t => {
    t.notThrows(work)
  })
}

test('the same event parses the same after travelling', t => {
  fuzz(nearlyPdu, ({ pdu: value, version: of }) => {
    const first = parsePdu(value, of)
    if ('refusal' in first) return
    const again = parsePdu(parseJson(canonicalJson(value)), of)
    t.is('event' in again ? again.event.eventId : undefined, first.event.eventId)
    t.deepEqual(trustedEvent(value, first.event.eventId, of).authEvents, first.event.authEvents)
  })
})
