import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { authorise } from '../src/core/auth/authorise.ts'
import type { StateMap } from '../src/core/event/event.ts'
import { resolveState } from '../src/core/state-resolution/resolve.ts'
import { randomRoom, randomTips } from '../src/test-kit/random-room.ts'
import type { RoomBuilder } from '../src/test-kit/room-builder.ts'
import { versionsIn } from '../src/test-kit/room-lines.ts'
import { synapseEnvironment } from './synapse.ts'

/**
 * The same random rooms, resolved and authorised by Tessera and by Synapse: no differences are known. The judge of the
 * other side is `synapse-judge.py`. Without Synapse (`scripts/synapse.ts` installs it) the test is skipped, and says so.
 *
 * `DIFFERENTIAL_ROOMS=5000 DIFFERENTIAL_SEED=7` looks at more rooms, and others.
 */
const rooms = Number(process.env['DIFFERENTIAL_ROOMS'] ?? 60)
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? 1)

interface Case {
  readonly room: RoomBuilder
  readonly states: readonly StateMap[]
  /** Events, each with a state that it may or may not belong to. */
  readonly attempts: readonly { readonly eventId: string; readonly state: StateMap }[]
}

/** States after random events, or such that lack some of what they should hold, as faulty servers give them. */
const cases: fc.Arbitrary<Case> = randomRoom(versionsIn('1-12'), 40).chain(room =>
  fc
    .record({
      tips: randomTips(room),
      stale: fc.boolean(),
      dropped: fc.array(fc.nat(9), { minLength: 60, maxLength: 60 }),
      elsewhere: fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
    })
    .map(({ tips, stale, dropped, elsewhere }) => {
      const after = (index: number): StateMap => room.stateAfter(nameAt(room, index))
      // The create event is in every state: nobody could tell the room without it.
      const isKept = (eventId: string, index: number, tip: number): boolean =>
        !stale || eventId === room.createEvent?.eventId || (dropped[(index + tip * 7) % 60] ?? 0) > 1
      return {
        room,
        states: tips.map(
          (name, tip) =>
            new Map([...room.stateAfter(name)].filter(([, eventId], index) => isKept(eventId, index, tip))),
        ),
        attempts: room.events.slice(1).flatMap(({ eventId }, index) => [
          { eventId, state: after(index) },
          { eventId, state: after(elsewhere[index % 60] ?? 0) },
        ]),
      }
    }),
)

const nameAt = (room: RoomBuilder, index: number): string =>
  room.nameOf(room.events[index % room.events.length]?.eventId ?? '')

const question = ({ room, states, attempts }: Case) => ({
  version: room.version.id,
  roomId: room.roomId,
  events: room.events.map(({ version: _, pdu: __, ...fields }) => fields),
  states: states.map(state => [...state.values()]),
  attempts: attempts.map(({ eventId, state }) => ({ eventId, state: [...state.values()] })),
})

const answer = ({ room, states, attempts }: Case): unknown => ({
  resolved: [...resolveState(room.version, states, room.load).state.values()].sort(),
  authorised: attempts.map(({ eventId, state }) => {
    const context = { state: room.lookup(state), createEvent: room.createEvent }
    return authorise(room.event(room.nameOf(eventId)), context) === undefined
  }),
})

const python = join(synapseEnvironment(), 'bin/python')
const withSynapse = existsSync(python) ? test : test.skip

withSynapse('Synapse resolves and authorises as we do', t => {
  const asked = fc.sample(cases, { numRuns: rooms, seed })
  const judged = spawnSync(python, [join(import.meta.dirname, 'synapse-judge.py')], {
    input: JSON.stringify(asked.map(question)),
    maxBuffer: 1 << 30,
    encoding: 'utf8',
  })
  t.is(judged.status, 0, judged.stderr)
  const theirs: unknown[] = JSON.parse(judged.stdout)
  t.is(theirs.length, rooms)
  for (const [index, each] of asked.entries()) {
    t.deepEqual(
      answer(each),
      theirs[index],
      `room ${index} of DIFFERENTIAL_SEED=${seed}, v${each.room.version.id}`,
    )
  }
})
