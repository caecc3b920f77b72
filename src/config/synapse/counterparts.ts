import { option } from './settings.ts'

/** An option of Synapse's, and the one here that says the same. Both are paths with dots. */
export interface Counterpart {
  readonly theirs: string
  readonly ours: string
  /** What is said here; `undefined`: nothing. Without it, the same. */
  readonly as?: (value: unknown, tree: unknown) => unknown
}

const when =
  (condition: unknown, said: unknown) =>
  (value: unknown): unknown =>
    value === condition ? said : undefined

const asText = (value: unknown): unknown => (typeof value === 'number' ? String(value) : value)

const texts = (value: unknown): unknown => (Array.isArray(value) ? value : [value])

const mode = (enabled: unknown, tree: unknown): unknown => {
  if (enabled !== true) return undefined
  return option(tree, ['registration_requires_token']) === true ? 'token' : 'open'
}

const ROOM_KINDS: Readonly<Record<string, string>> = { off: 'none', invite: 'private', all: 'all' }

/** With seconds, as settings have instants. */
const instantOf = (ts: number): string => new Date(ts).toISOString().replace(/\.\d+Z$/, 'Z')

/** Old keys: when they were last used, as an instant. */
const retired = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.fromEntries(
    Object.entries(value).map(([keyId, key]) => {
      const expired = Number(option(key, ['expired_ts']))
      return [keyId, { public_key: option(key, ['key']), expired: instantOf(expired > 0 ? expired : 0) }]
    }),
  )
}

const providers = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(provider => {
        const said = {
          id: option(provider, ['idp_id']),
          name: option(provider, ['idp_name']) ?? option(provider, ['idp_id']),
          brand: option(provider, ['idp_brand']),
          issuer: option(provider, ['issuer']),
          client_id: option(provider, ['client_id']),
          client_secret: option(provider, ['client_secret']),
          scopes: option(provider, ['scopes']),
        }
        return Object.fromEntries(Object.entries(said).filter(([, part]) => part !== undefined))
      })
    : undefined

/** Options that say the same as one of ours, in the order in which ours are written. */
export const COUNTERPARTS: readonly Counterpart[] = [
  { theirs: 'server_name', ours: 'server_name' },
  { theirs: 'public_baseurl', ours: 'public_base_url' },
  { theirs: 'extra_well_known_client_content', ours: 'well_known.client_extra' },
  { theirs: 'old_signing_keys', ours: 'retired_signing_keys', as: retired },
  { theirs: 'federation_custom_ca_list', ours: 'ca_file', as: value => (texts(value) as unknown[])[0] },
  { theirs: 'enable_registration', ours: 'registration.mode', as: mode },
  { theirs: 'registration_shared_secret', ours: 'registration.shared_secret' },
  {
    theirs: 'registrations_require_3pid',
    ours: 'registration.email',
    as: value => (Array.isArray(value) && value.includes('email') ? 'required' : undefined),
  },
  { theirs: 'auto_join_rooms', ours: 'registration.join_rooms' },
  { theirs: 'allow_guest_access', ours: 'guests.enabled' },
  { theirs: 'password_config.enabled', ours: 'passwords.enabled', as: when(false, false) },
  { theirs: 'password_config.policy.minimum_length', ours: 'passwords.min_length' },
  { theirs: 'password_config.pepper', ours: 'passwords.bcrypt_pepper', as: asText },
  { theirs: 'refreshable_access_token_lifetime', ours: 'sessions.access_token_lifetime' },
  { theirs: 'refresh_token_lifetime', ours: 'sessions.refresh_token_lifetime' },
  { theirs: 'nonrefreshable_access_token_lifetime', ours: 'sessions.non_refreshable_lifetime' },
  { theirs: 'session_lifetime', ours: 'sessions.non_refreshable_lifetime' },
  { theirs: 'delete_stale_devices_after', ours: 'sessions.device_lifetime' },
  { theirs: 'oidc_providers', ours: 'sign_in.providers', as: providers },
  { theirs: 'email.smtp_host', ours: 'email.host' },
  { theirs: 'email.smtp_port', ours: 'email.port' },
  { theirs: 'email.smtp_user', ours: 'email.user' },
  { theirs: 'email.smtp_pass', ours: 'email.password' },
  { theirs: 'email.force_tls', ours: 'email.tls', as: when(true, 'implicit') },
  {
    theirs: 'email.notif_from',
    ours: 'email.from',
    as: (value, tree) =>
      typeof value === 'string'
        ? value.replaceAll('%(app)s', String(option(tree, ['email', 'app_name']) ?? 'Matrix'))
        : undefined,
  },
  { theirs: 'federation_domain_whitelist', ours: 'federation.allow_servers' },
  { theirs: 'ip_range_blacklist', ours: 'federation.deny_addresses' },
  { theirs: 'ip_range_whitelist', ours: 'federation.allow_addresses' },
  { theirs: 'federation.client_timeout', ours: 'federation.request_timeout' },
  { theirs: 'allow_device_name_lookup_over_federation', ours: 'federation.share_device_names' },
  { theirs: 'default_room_version', ours: 'rooms.default_version', as: asText },
  {
    theirs: 'encryption_enabled_by_default_for_room_type',
    ours: 'rooms.encrypted_by_default',
    as: value => ROOM_KINDS[String(value)],
  },
  { theirs: 'presence.enabled', ours: 'presence.enabled', as: value => value === true },
  { theirs: 'retention.enabled', ours: 'retention.enabled' },
  { theirs: 'retention.default_policy.max_lifetime', ours: 'retention.default_lifetime' },
  { theirs: 'retention.allowed_lifetime_min', ours: 'retention.shortest_lifetime' },
  { theirs: 'retention.allowed_lifetime_max', ours: 'retention.longest_lifetime' },
  {
    theirs: 'auto_accept_invites.enabled',
    ours: 'invitations.accept',
    as: (value, tree) => {
      if (value !== true) return undefined
      return option(tree, ['auto_accept_invites', 'only_for_direct_messages']) === true ? 'direct' : 'all'
    },
  },
  {
    theirs: 'auto_accept_invites.only_from_local_users',
    ours: 'invitations.accept_from',
    as: when(true, 'local'),
  },
  { theirs: 'push.include_content', ours: 'push.details', as: when(false, 'no_content') },
  { theirs: 'user_directory.enabled', ours: 'user_directory.enabled' },
  { theirs: 'user_directory.search_all_users', ours: 'user_directory.all_users' },
  {
    theirs: 'user_directory.exclude_remote_users',
    ours: 'user_directory.remote_users',
    as: when(true, false),
  },
  { theirs: 'enable_room_list_search', ours: 'room_directory.enabled' },
  { theirs: 'allow_public_rooms_over_federation', ours: 'room_directory.over_federation' },
  { theirs: 'allow_public_rooms_without_auth', ours: 'room_directory.without_account' },
  { theirs: 'require_auth_for_profile_requests', ours: 'profiles.visible_to', as: when(true, 'users') },
  {
    theirs: 'limit_profile_requests_to_users_who_share_rooms',
    ours: 'profiles.visible_to',
    as: when(true, 'rooms'),
  },
  { theirs: 'allow_profile_lookup_over_federation', ours: 'profiles.over_federation' },
  { theirs: 'max_upload_size', ours: 'media.max_upload_size' },
  { theirs: 'media_retention.local_media_lifetime', ours: 'media.local_lifetime' },
  { theirs: 'media_retention.remote_media_lifetime', ours: 'media.remote_lifetime' },
  { theirs: 'prevent_media_downloads_from', ours: 'media.deny_servers' },
  { theirs: 'url_preview_enabled', ours: 'previews.enabled' },
  { theirs: 'turn_uris', ours: 'turn.uris' },
  { theirs: 'turn_shared_secret', ours: 'turn.shared_secret' },
  { theirs: 'turn_username', ours: 'turn.username' },
  { theirs: 'turn_password', ours: 'turn.password' },
  { theirs: 'turn_user_lifetime', ours: 'turn.lifetime' },
]

/** What needs no counterpart: of Synapse's own workings, or what the import itself reads. */
export const WITHOUT_NEED: ReadonlySet<string> = new Set([
  ...['database', 'media_store_path', 'signing_key_path', 'pid_file', 'log_config', 'report_stats'],
  ...['macaroon_secret_key', 'form_secret', 'suppress_key_server_warning', 'caches', 'bcrypt_rounds'],
  ...['enable_registration_without_verification', 'registration_requires_token', 'enable_metrics'],
  ...['tls_certificate_path', 'tls_private_key_path', 'listeners', 'vacuum', 'redis', 'daemonize'],
])
