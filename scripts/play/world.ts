import { appendFileSync } from 'node:fs'
import type { SeededRandom } from '../../src/test-kit/seeded-random.ts'
import type { Links } from './links.ts'
import type { LiveServer } from './live-server.ts'
import type { Answer, Person } from './people.ts'

export interface PlayedRoom {
  readonly id: string
  readonly label: string
  readonly version: string
  readonly maker: Person
  readonly isSpace: boolean
  /** Whether some of its history was ever kept from some who are in it. */
  isHidden: boolean
  /** Whether servers were ever shut out of it. */
  wasShut: boolean
}

/** An event that a server has acknowledged to somebody. */
export interface SentEvent {
  readonly room: PlayedRoom
  readonly id: string
  readonly by: Person
}

/** A message to a device: it counts from `started` to `answered`, by which those after each other are told from those side by side. */
export interface ToDevice {
  readonly from: Person
  readonly to: Person
  readonly deviceId: string
  readonly name: string
  readonly started: number
  readonly answered: number
}

/** What has been done in a seed's world, as far as the checks have to know it. */
export class World {
  readonly seed: number
  readonly servers: readonly LiveServer[]
  readonly links: Links
  readonly people: Person[] = []
  readonly rooms: PlayedRoom[] = []
  readonly events: SentEvent[] = []
  readonly toDevice: ToDevice[] = []
  /** Aliases that were ever asked for. */
  readonly aliases: { readonly alias: string; readonly server: LiveServer }[] = []
  readonly files: { readonly uri: string; readonly bytes: Buffer }[] = []
  /** One-time keys that were given to somebody: whose, and which. */
  readonly claimed: string[] = []
  /** What is wrong at once, before anything is compared. */
  readonly troubles: string[] = []
  /** Who is in a room as far as its servers have acknowledged: a guess, by which deeds are chosen. */
  readonly inside = new Map<PlayedRoom, Set<Person>>()
  readonly #trace: string
  #count = 0

  constructor(seed: number, servers: readonly LiveServer[], links: Links, trace: string) {
    this.seed = seed
    this.servers = servers
    this.links = links
    this.#trace = trace
  }

  /** A number that it has not given before. */
  next(): number {
    return this.#count++
  }

  log(...words: readonly unknown[]): void {
    const text = words.map(word => (typeof word === 'string' ? word : JSON.stringify(word))).join(' ')
    appendFileSync(this.#trace, `${new Date().toISOString().slice(11, 23)} ${text}\n`)
  }

  membersOf(room: PlayedRoom): Set<Person> {
    const known = this.inside.get(room) ?? new Set<Person>()
    this.inside.set(room, known)
    return known
  }

  peopleOf(server: LiveServer): Person[] {
    return this.people.filter(person => person.server === server && !person.isGuest)
  }

  labelOf(userId: string): string {
    return this.people.find(({ id }) => id === userId)?.label ?? userId
  }
}

/** Who does something where, and what chance has to say about it: each deed has its own, whatever else goes on meanwhile. */
export interface Turn {
  readonly world: World
  readonly rng: SeededRandom
  readonly who: Person
  readonly room: PlayedRoom
}

/** What came of a deed, and what it was in particular. */
export interface Done extends Answer {
  readonly note?: string
}

export type Deed = (turn: Turn) => Promise<Done>

/** How often a deed is done, and it. */
export type Deeds = Readonly<Record<string, readonly [weight: number, deed: Deed]>>

export const at = (room: PlayedRoom): string => `/rooms/${encodeURIComponent(room.id)}`
