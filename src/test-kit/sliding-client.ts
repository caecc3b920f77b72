/** Sliding sync over HTTP, for people of a test server. */
import { type Person, Refused, type ShownEvent } from './people.ts'

/** A room in a response. */
export interface SlidRoom {
  readonly initial?: boolean
  readonly membership?: string
  readonly name?: string | null
  readonly heroes?: readonly { user_id: string }[]
  readonly is_dm?: boolean
  readonly timeline?: readonly ShownEvent[]
  readonly required_state?: readonly ShownEvent[]
  readonly invite_state?: readonly ShownEvent[]
  readonly limited?: boolean
  readonly num_live?: number
  readonly bump_stamp?: number
  readonly joined_count?: number
  readonly expanded_timeline?: boolean
  readonly prev_batch?: string
}

/** A response. */
export interface SlidAnswer {
  readonly pos: string
  readonly lists: Readonly<Record<string, { readonly count: number }>>
  readonly rooms: Readonly<Record<string, SlidRoom>>
  readonly extensions: Readonly<Record<string, { readonly [name: string]: unknown }>>
}

/** Asks once; waits up to `timeout` milliseconds for news. Throws `Refused`. */
export const slide = (who: Person, body: object, pos?: string, timeout = 0): Promise<SlidAnswer> => {
  const query = new URLSearchParams({ timeout: String(timeout), ...(pos === undefined ? {} : { pos }) })
  const target = `/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?${query}`
  return who.server
    .request('POST', target, { token: who.account.accessToken, json: body })
    .then(({ status, body: answer }) => {
      if (status >= 400) throw new Refused(status, answer as object)
      return answer as SlidAnswer
    })
}

/** A request for the list of all rooms, down to the one with this index. */
export const list = (last: number, more: object = {}) => ({
  lists: {
    all: { ranges: [[0, last]], timeline_limit: 1, required_state: [['m.room.create', '']], ...more },
  },
})

/** The one room that a response tells of. Throws if it tells of others. */
export const only = (answer: SlidAnswer, roomId: string): SlidRoom => {
  const room = answer.rooms[roomId]
  if (room === undefined || Object.keys(answer.rooms).length > 1)
    throw new Error(`not that room alone: ${Object.keys(answer.rooms)}`)
  return room
}

/** The state that a room is told with, each as type and state key. */
export const stateKeys = (room: SlidRoom): string[] =>
  (room.required_state ?? []).map(({ type, state_key: key }) => `${type} ${key}`).toSorted()
