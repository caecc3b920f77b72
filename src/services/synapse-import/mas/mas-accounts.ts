import { UserReader } from '../../../storage/accounts/users.ts'
import { MasAccountWriter } from '../../../storage/synapse/mas.ts'
import type { SynapseSource } from '../../../storage/synapse/source.ts'
import { isBcrypt } from '../../accounts/bcrypt.ts'
import { those } from '../readable.ts'
import { tableStep } from '../table-step.ts'
import { ofMas } from './mas-step.ts'

interface AccountRow {
  readonly id: string
  readonly username: string
  readonly locked: number
  readonly admin: number
  readonly password: string | null
}

/** Passwords, as they were set last, and who is locked or may administer. */
export const masAccounts = ofMas(
  tableStep<AccountRow>({
    name: 'accounts of the Matrix Authentication Service',
    table: 'users',
    query: ({ source }) => ({
      from: 'users u',
      columns: [
        ...['CAST(u.user_id AS text) AS id', 'u.username AS username'],
        'CASE WHEN u.locked_at IS NULL THEN 0 ELSE 1 END AS locked',
        `CASE WHEN ${administers(source)} THEN 1 ELSE 0 END AS admin`,
        `(SELECT p.hashed_password FROM user_passwords p WHERE p.user_id = u.user_id
          ORDER BY p.created_at DESC LIMIT 1) AS password`,
      ],
      key: [{ column: 'u.user_id', name: 'id' }],
    }),
    begin: ({ db, serverName }, progress) => {
      const reader = new UserReader(db)
      const write = new MasAccountWriter(db)
      return async rows => {
        const named = rows.map(row => ({ ...row, userId: `@${row.username}:${serverName}` }))
        const known = await reader.existing(named.map(({ userId }) => userId))
        const here = those(
          named,
          ({ userId }) => known.has(userId),
          count =>
            progress.left('accounts of the Matrix Authentication Service that Synapse has never had', count),
        )
        const withPassword = here.filter(({ password }) => password !== null)
        const usable = those(
          withPassword,
          ({ password }) => isUsable(password),
          count => progress.left('passwords in a form that is not known here', count),
        )
        progress.came('passwords of the Matrix Authentication Service', usable.length)
        return [
          write.set(
            here.map(({ userId, password, locked, admin }) => ({
              userId,
              passwordHash: password !== null && isUsable(password) ? password : undefined,
              isLocked: locked === 1,
              isAdmin: admin === 1,
            })),
          ),
        ]
      }
    },
  }),
)

/**
 * Who may give clients leave to administer; and who has a session that administers, without which bots that moderate, whose tokens are
 * issued by hand, could do so no more.
 */
const administers = (source: SynapseSource): string =>
  [
    source.has('users', 'can_request_admin') ? 'u.can_request_admin' : 'FALSE',
    source.has('compat_sessions', 'is_synapse_admin')
      ? `EXISTS (SELECT 1 FROM compat_sessions s
          WHERE s.user_id = u.user_id AND s.is_synapse_admin AND s.finished_at IS NULL)`
      : 'FALSE',
  ].join(' OR ')

const isUsable = (hash: string | null): boolean =>
  hash !== null && (isBcrypt(hash) || hash.startsWith('$argon2id$'))
