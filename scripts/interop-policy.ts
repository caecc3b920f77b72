import {
  at,
  both,
  expect,
  joinThrough,
  makeRoom,
  type Play,
  pair,
  type Scenario,
  sees,
  serverOf,
  setState,
} from './interop-parts.ts'
import type { PlainClient, SeenEvent } from './plain-client.ts'
import { FORBIDDEN_WORD, type PolicyServer, REFUSAL, startPolicyServer } from './policy-server.ts'

const POLICY = 'm.room.policy'

interface Policed {
  readonly host: PlainClient
  readonly guest: PlainClient
  readonly roomId: string
  readonly policy: PolicyServer
}

/** Each of the two with the other one. */
const waysOf = ({ host, guest }: Policed) =>
  [
    [host, guest],
    [guest, host],
  ] as const

/** What somebody says reaches the other one; answers how often the policy server was asked about it. */
const heard = async (
  { roomId, policy }: Policed,
  speaker: PlainClient,
  listener: PlainClient,
  body: string,
) => {
  const eventId = await speaker.say(roomId, body)
  await sees(listener, roomId, body, event => event.event_id === eventId)
  return policy.timesAsked(eventId)
}

/** The words with which something is refused. */
const refusalOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'let through',
    (error: Error) => error.message,
  )

const shown = async (who: PlainClient, roomId: string): Promise<string> => {
  const { chunk } = await who.call('GET', `${at(roomId)}/messages?dir=b&limit=50`)
  return (chunk as unknown as SeenEvent[])
    .flatMap(event => event.content.body ?? [])
    .toReversed()
    .join()
}

/** Everybody asks before they speak, and hears what is signed without asking again. */
const asking = async (room: Policed): Promise<void> => {
  const { roomId } = room
  for (const [one, other] of waysOf(room)) {
    expect('times asked', await heard(room, one, other, `tea for ${other.userId}`), 1)
    const said = await refusalOf(one.say(roomId, FORBIDDEN_WORD))
    expect('the refusal', said.includes('M_FORBIDDEN') && said.includes(REFUSAL), true)
    const set = await refusalOf(setState(one, roomId, 'org.example.drink', { of: FORBIDDEN_WORD }))
    expect('the refusal of state', set.includes(REFUSAL), true)
  }
}

/** What comes unsigned is asked about: each server shows what the policy server then signs, and hides the rest. */
const unasked = async ({ host, guest, roomId, policy }: Policed): Promise<void> => {
  const people = [host, guest]
  const servers = people.map(serverOf)
  const hidden = await policy.say(servers, `more ${FORBIDDEN_WORD}`)
  const fine = await policy.say(servers, 'more tea')
  for (const who of people) await sees(who, roomId, 'the message', event => event.event_id === fine)
  expect('times asked about what is hidden', policy.timesAsked(hidden), 2)
  expect('times asked about what is shown', policy.timesAsked(fine), 2)
}

/** Nobody speaks while it is away; the room can do without it. */
const away = async (room: Policed): Promise<void> => {
  const { host, guest, roomId, policy } = room
  await policy.close()
  for (const who of [host, guest]) {
    expect('without the policy server', (await refusalOf(who.say(roomId, 'tea?'))) === 'let through', false)
  }
  await setState(host, roomId, POLICY, {})
  await sees(guest, roomId, 'the end of the policy', event => event.type === POLICY)
  for (const [one, other] of waysOf(room))
    await heard(room, one, other, `${FORBIDDEN_WORD} for ${other.userId}`)
}

const policed: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, {
    preset: 'public_chat',
    power_level_content_override: { state_default: 0, events: { [POLICY]: 50 } },
  })
  await joinThrough(guest, roomId, host)
  const policy = await startPolicyServer(serverOf(host), roomId)
  try {
    await setState(host, roomId, POLICY, policy.named)
    await sees(guest, roomId, 'the policy', event => event.type === POLICY)
    const room = { host, guest, roomId, policy }
    await asking(room)
    await unasked(room)
    await away(room)
    const all = [
      `tea for ${guest.userId}`,
      `tea for ${host.userId}`,
      'more tea',
      `${FORBIDDEN_WORD} for ${guest.userId}`,
      `${FORBIDDEN_WORD} for ${host.userId}`,
    ].join()
    for (const who of [host, guest]) expect('what is shown', await shown(who, roomId), all)
  } finally {
    await policy.close()
  }
}

/** Rooms that ask a policy server, which is neither of the two. */
export const policyScenarios: readonly [string, Scenario][] = both('a policy server is asked', policed)
