import { SeededRandom } from '../seeded-random.ts'

const PLAYS = [
  /** People page back, and look at single events and members, while the network is bad. */
  'looking',
  /** They react, edit and answer in threads. */
  'answering',
  /** They come, go and are put out in the room that lets into the other; they forget rooms, and knock where their server is inside. */
  'wandering',
  /** They are invited by their address. */
  'addresses',
  /** They upload keys for single use, and take those of others. */
  'keys',
  /** Invitations come later, and end; messages are sent later. */
  'terms',
  /** Who may do what is set in every way, and state is redacted. */
  'powers',
  /** The clocks of servers are apart, and are set now and then. */
  'clocks',
  /** What the network carries comes late once more, twice at the same moment, cut off, or with an error of whoever is in between. */
  'storm',
  /** What people are shown of a room's past is held against what they may see of it; few may see all. */
  'sight',
  /** They sign in on further devices, write to each other's, and sign out; these follow in the other way than the first. */
  'devices',
  /** One of the servers purges what is old. */
  'purging',
  /** Two open their chat, also both at once, talk there, and leave it. */
  'direct',
  /** Rooms of version 12, and those upgraded to it, have one more creator. */
  'creators',
] as const

/** A kind of play beyond what every story has. */
export type Play = (typeof PLAYS)[number]

/** Those that the story of a seed has. */
export const playsOf = (seed: number): ReadonlySet<Play> => {
  const random = new SeededRandom(seed ^ 0x5eed)
  return new Set(PLAYS.filter(() => random.chance(0.35)))
}
