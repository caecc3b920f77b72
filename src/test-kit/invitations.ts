/** Invitations as their people see them, through the endpoints. */
import { type Person, Refused } from './people.ts'

export const HOUR = 3_600_000
/** The member of an invitation that says when it comes and when it ends. */
export const TERMS = 'chat.tessera.invitation'

/** An invitation as `getInvitation` and `getInvitations` show it. */
export interface Shown {
  readonly room_id: string
  readonly room: Readonly<Record<string, unknown>>
  readonly inviter: Readonly<Record<string, string>>
  readonly invited: Readonly<Record<string, string>>
  readonly status: string
  readonly reason?: string
  readonly answer?: string
  readonly expires_ts?: number
  readonly failure?: { readonly errcode: string }
}

/** A page of invitations. */
export interface List {
  readonly invitations: readonly Shown[]
  readonly next_batch?: string
}

/** The path of an endpoint for invitations. */
export const path = (...parts: string[]): string =>
  ['', '_matrix', 'client', 'v1', 'chat.tessera', 'invitations', ...parts.map(encodeURIComponent)].join('/')

/** Asks an endpoint in the name of a person. Throws `Refused`. */
export const ask = async <T>(person: Person, method: string, target: string): Promise<T> => {
  const { status, body } = await person.server.request(method, target, {
    token: person.account.accessToken,
  })
  if (status >= 400) throw new Refused(status, body as object)
  return body as T
}

/** A person's invitations, by the query. */
export const list = (person: Person, query = ''): Promise<List> => ask(person, 'GET', `${path()}?${query}`)

/** The invitation of a person to a room: their own, or that of who is named. */
export const one = (person: Person, roomId: string, invited?: Person): Promise<Shown> =>
  ask(person, 'GET', `${path(roomId)}${invited ? `?user_id=${encodeURIComponent(invited.userId)}` : ''}`)

/** How something was refused: status and `errcode`. */
export const code = async (action: Promise<unknown>): Promise<string> =>
  action.then(
    () => 'went through',
    error => (error instanceof Refused ? error.code : String(error)),
  )

/** The rooms that a person is invited to, by `/sync`. */
export const invitedTo = async (person: Person): Promise<string[]> =>
  Object.keys((await person.sync()).rooms?.invite ?? {})
