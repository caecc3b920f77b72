import { MatrixError } from '../../core/errors.ts'
import { type InvitePolicy, inviteFilter, invitePolicy } from '../../core/invite-policy.ts'
import type { JsonObject } from '../../core/json.ts'
import type { AccountDataReader } from '../../storage/accounts/account-data.ts'
import { AccountDataMemo } from './account-data-memo.ts'

const PERMISSION = 'm.invite_permission_config'
const FILTER = 'org.matrix.msc4155.invite_permission_config'

/** The types of account data by which users say whose invitations they want to see. */
export const INVITATION_SETTINGS: ReadonlySet<string> = new Set(['m.ignored_user_list', PERMISSION, FILTER])

/** Who may invite users (module "Invite permission", and MSC4155); beside it stands whom they ignore altogether. */
export class InvitePolicies {
  /** Users of this server itself, whose invitations nobody can refuse. */
  readonly exempt = new Set<string>()
  readonly #sources: readonly AccountDataMemo<InvitePolicy>[]

  /** @param position where the stream `account_data` stands now */
  constructor(read: AccountDataReader, position: () => number) {
    const source = (type: string, parse: (content: JsonObject) => InvitePolicy) =>
      new AccountDataMemo({ position, parse, content: userId => read.content(userId, '', type) })
    this.#sources = [source(PERMISSION, invitePolicy), source(FILTER, inviteFilter)]
  }

  /** How a user's settings judge whoever invites them; what any of them forbids is forbidden. */
  async of(userId: string): Promise<InvitePolicy> {
    const policies = await Promise.all(this.#sources.map(source => source.of(userId)))
    return inviter =>
      this.exempt.has(inviter)
        ? 'allow'
        : (policies.map(policy => policy(inviter)).find(verdict => verdict !== 'allow') ?? 'allow')
  }

  /** Throws `M_INVITE_BLOCKED` if a user of this server does not want to be invited by somebody. */
  async admit(userId: string, inviter: string): Promise<void> {
    const policy = await this.of(userId)
    if (policy(inviter) === 'block') {
      throw new MatrixError('M_INVITE_BLOCKED', `${userId} does not want to be invited`)
    }
  }
}
