import fc from 'fast-check'
import { PUBLIC_ROOM, RoomBuilder } from './room-builder.ts'

const USERS = ['alice', 'bob', 'carol', 'dave']

/** What a random step does, said as in `room-lines.ts`. */
const ACTIONS: readonly ((target: string, level: number) => string)[] = [
  () => 'join',
  () => 'join',
  () => 'leave',
  target => `invite ${target}`,
  target => `kick ${target}`,
  target => `ban ${target}`,
  target => `join ${target}`,
  () => 'knock',
  (target, level) => `${POWERS} ${target}=${level}`,
  (target, level) => `${POWERS} ${target}=${level} ban=${100 - level}`,
  (_, level) => `${POWERS} state_default=${level}`,
  (_, level) => `${POWERS} event:m.room.topic=${level}`,
  (_, level) => `rule ${['public', 'invite', 'public', 'restricted', 'knock', 'public'][level % 6]}`,
  (_, level) => `topic ${level}`,
  (_, level) => `topic ${level}`,
  target => `state org.example.mood "${target}" {}`,
  () => 'say hello',
]

/** Several moderators, each of whom can change the power levels. */
const POWERS = 'power alice=100 bob=70 carol=60 dave=50'

interface Step {
  readonly sender: number
  readonly action: number
  readonly target: number
  readonly level: number
  /** How far back in the room the events lie that this one follows. */
  readonly back: readonly number[]
  readonly time: number
}

const step: fc.Arbitrary<Step> = fc.record({
  sender: fc.nat(USERS.length - 1),
  action: fc.nat(ACTIONS.length - 1),
  target: fc.nat(USERS.length - 1),
  level: fc.nat(10).map(tens => tens * 10),
  back: fc.array(fc.nat(8), { minLength: 1, maxLength: 3 }),
  time: fc.nat(20),
})

const lineOf = ({ sender, action, target, level, back, time }: Step, room: RoomBuilder): string => {
  const { events } = room
  const prev = new Set(
    back.map(steps => room.nameOf(events.at(-1 - Math.min(steps, events.length - 4))?.eventId ?? '')),
  )
  const said = ACTIONS[action]?.(USERS[target] ?? '', level)
  return `E${events.length}: ${USERS[sender]} ${said} < ${[...prev].join(' ')} @${10_000 + time}`
}

/**
 * Rooms that grew by chance: forks, merges, moderation and clocks that lie, in any of the versions. All their events
 * were allowed where they stand; steps that the rules refuse are left out.
 */
export const randomRoom = (versions: readonly string[], steps = 24): fc.Arbitrary<RoomBuilder> =>
  fc
    .record({
      version: fc.constantFrom(...versions),
      steps: fc.array(step, { minLength: Math.ceil(steps / 2), maxLength: steps }),
    })
    .map(drawn => {
      const room = new RoomBuilder(drawn.version, PUBLIC_ROOM)
      room.add('JB: bob join', 'JC: carol join', 'JD: dave join', `PB: alice ${POWERS}`)
      for (const each of drawn.steps) room.addIfAllowed(lineOf(each, room))
      return room
    })

/** Some events of a room, as the tips to resolve. */
export const randomTips = (room: RoomBuilder): fc.Arbitrary<string[]> =>
  fc.uniqueArray(fc.constantFrom(...room.events.map(event => room.nameOf(event.eventId))), {
    minLength: 2,
    maxLength: 4,
  })
