import { UserReader } from '../../../storage/accounts/users.ts'
import { countRows } from '../../../storage/synapse/source.ts'
import { those } from '../readable.ts'
import { storedSessions } from '../sessions.ts'
import type { ImportStep } from '../step.ts'
import { tableStep } from '../table-step.ts'
import { instant } from './instants.ts'
import { ofMas } from './mas-step.ts'

interface CompatRow {
  readonly username: string
  readonly device_id: string | null
  readonly token: string
  readonly created: number
  readonly expires: number | null
  readonly refresh_token: string | null
}

/** Sessions of clients that signed in by `/login`: their tokens are good for a homeserver. */
export const masSessions = ofMas(
  tableStep<CompatRow>({
    name: 'sessions of the Matrix Authentication Service',
    table: 'compat_access_tokens',
    query: () => ({
      from: `compat_access_tokens a JOIN compat_sessions s ON s.compat_session_id = a.compat_session_id
        JOIN users u ON u.user_id = s.user_id
        LEFT JOIN compat_refresh_tokens r ON r.compat_access_token_id = a.compat_access_token_id
          AND r.consumed_at IS NULL`,
      columns: [
        ...['CAST(a.compat_access_token_id AS text) AS id', 'u.username AS username'],
        ...['s.device_id AS device_id', 'a.access_token AS token', 'r.refresh_token AS refresh_token'],
        ...[`${instant('a.created_at')} AS created`, `${instant('a.expires_at')} AS expires`],
      ],
      key: [{ column: 'a.compat_access_token_id', name: 'id' }],
      where: 's.finished_at IS NULL',
    }),
    begin: ({ db, serverName, now }, progress) => {
      const reader = new UserReader(db)
      const store = storedSessions(db, now)
      return async rows => {
        const named = rows.map(row => ({ ...row, user_id: `@${row.username}:${serverName}` }))
        const known = await reader.existing(named.map(row => row.user_id))
        const good = those(
          named.filter(row => known.has(row.user_id)),
          row => row.refresh_token !== null || row.expires === null || row.expires > now,
          count => progress.left('sessions that have expired', count),
        )
        progress.came('sessions (access tokens)', good.length)
        return store(
          good.map(row => ({
            ...{ user_id: row.user_id, device_id: row.device_id ?? '', token: row.token },
            ...{ created_ts: row.created, expires_ts: row.expires, refresh_token: row.refresh_token },
          })),
        )
      }
    },
  }),
)

const OPEN = 'finished_at IS NULL AND user_id IS NOT NULL'

/** What the service alone knows of, which is not there any more: sessions of apps that signed in by OAuth 2.0, and tokens of its own kind. */
export const masOauthSessions: ImportStep = ofMas({
  name: 'sessions by OAuth 2.0',
  count: async () => 0,
  run: async ({ source }, progress) => {
    if (source.has('oauth2_sessions', 'user_id'))
      progress.left(
        'sessions of apps that signed in by OAuth 2.0: people sign in there anew',
        await countRows(source, 'oauth2_sessions', OPEN),
      )
    if (source.has('personal_access_tokens', 'revoked_at'))
      progress.left(
        'personal access tokens: bots and scripts that have one need another, or log in with a password',
        await countRows(source, 'personal_access_tokens', 'revoked_at IS NULL'),
      )
  },
})
