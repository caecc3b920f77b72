import { storedEmails, storedExternalIds } from '../contacts.ts'
import { those } from '../readable.ts'
import { tableStep } from '../table-step.ts'
import { instant } from './instants.ts'
import { ofMas } from './mas-step.ts'

interface EmailRow {
  readonly username: string
  readonly email: string
  readonly created: number
}

/** E-mail addresses, all of which have been confirmed. */
export const masEmails = ofMas(
  tableStep<EmailRow>({
    name: 'e-mail addresses of the Matrix Authentication Service',
    table: 'user_emails',
    query: ({ source }) => ({
      from: 'user_emails e JOIN users u ON u.user_id = e.user_id',
      columns: [
        ...['CAST(e.user_email_id AS text) AS id', 'u.username AS username', 'e.email AS email'],
        `${instant('e.created_at')} AS created`,
      ],
      key: [{ column: 'e.user_email_id', name: 'id' }],
      // Earlier versions keep those there, too, that are still to be confirmed.
      ...(source.has('user_emails', 'confirmed_at') ? { where: 'e.confirmed_at IS NOT NULL' } : {}),
    }),
    begin: ({ db, serverName }, progress) => {
      const store = storedEmails(db, progress)
      return rows =>
        store(
          rows.map(({ username, email, created }) => ({
            user_id: `@${username}:${serverName}`,
            address: email,
            validated_at: created,
            added_at: created,
          })),
        )
    },
  }),
)

interface LinkRow {
  readonly username: string
  readonly subject: string
  readonly issuer: string | null
}

/** By which accounts elsewhere people sign in: those of providers that are among ours, which are known by their addresses. */
export const masLinks = ofMas(
  tableStep<LinkRow>({
    name: 'accounts elsewhere of the Matrix Authentication Service',
    table: 'upstream_oauth_links',
    query: () => ({
      from: `upstream_oauth_links l JOIN users u ON u.user_id = l.user_id
        JOIN upstream_oauth_providers p ON p.upstream_oauth_provider_id = l.upstream_oauth_provider_id`,
      columns: [
        ...['CAST(l.upstream_oauth_link_id AS text) AS id', 'u.username AS username'],
        ...['l.subject AS subject', 'p.issuer AS issuer'],
      ],
      key: [{ column: 'l.upstream_oauth_link_id', name: 'id' }],
    }),
    begin: ({ db, serverName, now, providers = [] }, progress) => {
      const ids = new Map(providers.map(({ id, issuer }) => [bare(issuer), id]))
      const store = storedExternalIds({ db, serverName, now }, progress)
      return rows => {
        const known = those(
          rows,
          ({ issuer }) => issuer !== null && ids.has(bare(issuer)),
          count =>
            progress.left('accounts elsewhere, of providers that sign_in.providers does not name', count),
        )
        return store(
          known.map(({ username, subject, issuer }) => ({
            user_id: `@${username}:${serverName}`,
            provider: ids.get(bare(issuer ?? '')) ?? '',
            subject,
          })),
        )
      }
    },
  }),
)

const bare = (issuer: string): string => issuer.replace(/\/+$/, '')
