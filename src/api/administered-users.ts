import type { Services } from '../services/index.ts'
import type { Operations } from '../spec/types.ts'

type ListQuery = Operations['adminListUsers']['query'] & Operations['adminListUsersV2']['query']
type UserList = Operations['adminListUsers']['response']
type UserDetails = Operations['adminGetUser']['response']

/** Users of one answer at most. */
const MAX_USERS = 1000

/** A page of the accounts that a query asks for. */
export const listUsers = async (
  { accounts }: Services,
  query: ListQuery,
  isDeactivated: boolean | undefined,
): Promise<UserList> => {
  const { from, user_id: userId, name } = query
  const limit = Math.min(query.limit, MAX_USERS)
  const { users, total } = await accounts.administered.page({
    name,
    // A name that is asked for counts instead.
    userId: name === undefined ? userId : undefined,
    isGuest: query.guests ? undefined : false,
    isAdmin: query.admins,
    isLocked: query.locked ? undefined : false,
    isSuspended: query.suspended ? undefined : false,
    isDeactivated,
    notTypes: query.not_user_type,
    order: query.order_by,
    isDescending: query.dir === 'b',
    from,
    limit,
  })
  return {
    users: users.map(user => ({
      ...shared(user),
      creation_ts: user.createdTs,
    })),
    total,
    ...(from + limit < total ? { next_token: String(from + users.length) } : {}),
  }
}

/** All that is known of an account. @throws {MatrixError} `M_INVALID_PARAM`, `M_NOT_FOUND` */
export const userDetails = async (
  { accounts, appServices }: Services,
  userId: string,
): Promise<UserDetails> => {
  const user = await accounts.administered.latest(userId)
  return {
    ...shared(user),
    threepids: await accounts.threepids.list(userId),
    external_ids: await accounts.administered.externalIds(userId),
    creation_ts: Math.floor(user.createdTs / 1000),
    appservice_id: appServices.registry.ofUser(userId)?.id ?? null,
    consent_server_notice_sent: null,
    consent_version: null,
    consent_ts: null,
  }
}

type User = Awaited<ReturnType<Services['accounts']['administered']['one']>>

const shared = (user: User) => ({
  name: user.userId,
  displayname: user.displayName ?? null,
  avatar_url: user.avatarUrl ?? null,
  user_type: user.userType ?? null,
  is_guest: user.kind === 'guest',
  admin: user.isAdmin,
  deactivated: user.deactivatedTs !== undefined,
  erased: user.isErased,
  shadow_banned: user.isShadowBanned,
  locked: user.isLocked,
  suspended: user.isSuspended,
  last_seen_ts: user.lastSeenTs ?? null,
})
