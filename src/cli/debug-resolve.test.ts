import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { ResolutionInput } from '../core/state-resolution/resolution-input.ts'
import { createFakeHost } from '../test-kit/command-line.ts'
import { PeerRoom } from '../test-kit/peer-room.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { runProgram } from './program.ts'

const run = async (t: ExecutionContext, text: string) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'reset.json'), text)
  const host = createFakeHost(directory)
  const code = await runProgram(host, ['debug', 'resolve', 'reset.json'])
  return { code, out: host.out(), err: host.err() }
}

/** Two topics, of which one is refused, and join rules that are lost (MSC4297, problem A). */
const conflict = (): ResolutionInput => {
  const peers = new PeerRoom('10', [
    'CREATE: alice create',
    'JA: alice join',
    'PL: alice power alice=100 bob=100',
    'J1: alice rule public',
    'JB: bob join',
    'J2: alice rule invite',
    'LA: alice leave',
  ])
  const triples = (...names: string[]) =>
    peers.events(...names).map(({ type, stateKey = '', eventId }) => [type, stateKey, eventId] as const)
  const events = peers.events('CREATE', 'JA', 'PL', 'J1', 'JB', 'J2', 'LA')
  return {
    version: '10',
    states: [triples('CREATE', 'JB', 'PL', 'LA', 'J1'), triples('CREATE', 'JB', 'PL', 'LA', 'J2')],
    events: events.map(({ eventId, pdu }, generation) => ({ eventId, pdu, generation })),
    authDifference: [],
    conflictedSubgraph: [],
  }
}

test('a logged reset is replayed, as a line of the log or alone', async t => {
  const input = conflict()
  for (const text of [
    JSON.stringify(input, null, 2),
    `not JSON\n${JSON.stringify({ level: 40, resolution: JSON.stringify(input), msg: 'reset' })}\n`,
  ]) {
    const { code, out } = await run(t, text)
    t.is(code, 0)
    t.regex(out, /^Room version 10, 2 states, 7 events\.$/m)
    t.regex(out, /^m\.room\.join_rules ""\n {2}side 1: \S+\n {2}side 2: \S+\n {2}comes out as nothing$/m)
    t.regex(out, /^refused \S+: .+ \(sender\.not_joined\)$/m)
    t.regex(out, /^RESET of m\.room\.join_rules ""$/m)
  }
})

test('what holds no resolution is said so', async t => {
  for (const text of [
    '',
    '{}',
    '{"version":"99"}',
    'hello',
    JSON.stringify({ ...conflict(), states: [[1]] }),
  ]) {
    const { code, err } = await run(t, text)
    t.is(code, 1)
    t.regex(err, /holds no resolution/)
  }
  const { code, err } = await run(t, JSON.stringify({ ...conflict(), events: [{ eventId: 'x' }] }))
  t.is(code, 1)
  t.regex(err, /cannot be replayed/)
})
