/**
 * `npm run interop:dendrite`: Tessera against a Dendrite of its own, built with Go (no dependency of ours).
 * `npm run interop:dendrite -- knock` tries only what has this in its name.
 */
import { installDendrite, startDendrite } from './dendrite.ts'
import { interop } from './interop.ts'

/** Both ways. */
const both = (name: string, reason: string): Record<string, string> => ({
  [`${name}, room made here`]: reason,
  [`${name}, room made there`]: reason,
})

const NO_KNOCKING = 'it has no part of knocking, neither for clients nor for servers'

const WITHDRAWN =
  'the end of an invitation does not travel: it sends it to servers that are in the room only, and what it gets it ' +
  'drops unless it can fetch the history before, which is for servers in the room only'

const STATE_RESOLUTION =
  'room version 2: undisputed is what "is present in every" state "with the same value"; it takes for that what is in some ' +
  'only, here the state that people set who were being removed elsewhere'

/** Of Dendrite 0.13.8, by black-box trial; quotations are from the specification. */
const deviations: Record<string, string> = {
  ...both('an invitation is withdrawn', WITHDRAWN),
  ...both('an invitation is declined, another withdrawn, a third accepted', WITHDRAWN),
  ...both('a knock is answered by an invitation', NO_KNOCKING),
  'a knock is taken back, room made there': NO_KNOCKING,
  ...both('a policy server is asked', 'it asks none (version 1.18)'),
  'messages are redacted in room version 11, room made here':
    'it looks for `redacts` at the top level, from which room version 11 has it "moved"',
  'somebody leaves, comes back, and reads what was said, room made here':
    'its /messages has events twice that it knew before its user came back',
  'a space of the other server is explored, room made here':
    'its /hierarchy has the rooms of other servers twice',
  'aliases are looked up, room made here':
    'its clients get a 500 where another server says that there is no such alias',
  'a room is summed up for who is not in it, room made here':
    'its clients have no `/room_summary` (version 1.15)',
  ...both(
    'files keep their names',
    'it neither gives nor takes the `Content-Disposition` of files over federation',
  ),
  'encrypted: what was said while the other server was away, from there':
    'of what has gathered for a server that was away it sends 128 events, and no more for as long as anybody waits here',
  ...both('both sides quarrel about who is in and agree again', STATE_RESOLUTION),
  ...both('both sides quarrel about everything in room version 2', STATE_RESOLUTION),
  ...both('both sides quarrel about everything in room version 6', STATE_RESOLUTION),
  ...both('both sides quarrel about everything in room version 10', STATE_RESOLUTION),
  ...both('both sides quarrel about everything in room version 11', STATE_RESOLUTION),
}

const code = await interop({
  name: 'Dendrite',
  roomVersion: '11',
  install: installDendrite,
  start: startDendrite,
  isComplaint: line => /level=(?:warning|error|fatal|panic)|^panic/.test(line),
  deviations,
})
process.exit(code)
