import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { SynapseOptions } from './synapse.ts'

/** What its database is called on a PostgreSQL server. */
export const SYNAPSE_DATABASE = 'synapse'

const unlimited = { per_second: 1_000_000, burst_count: 1_000_000 }

/**
 * The content of homeserver.yaml: open registration, no rate limit, no address deny list, no key server.
 * @param directory where all its files are kept
 * @param secret of the shared-secret registration
 */
export function synapseConfig(directory: string, options: SynapseOptions, secret: string): object {
  return {
    server_name: options.serverName,
    report_stats: false,
    listeners: listeners(options),
    public_baseurl: `http://127.0.0.1:${options.port}/`,
    database: databaseOf(directory, options.databaseUrl),
    media_store_path: join(directory, 'media'),
    log_config: join(directory, 'log.yaml'),
    signing_key_path: join(directory, 'signing.key'),
    trusted_key_servers: [],
    macaroon_secret_key: randomBytes(24).toString('hex'),
    form_secret: randomBytes(24).toString('hex'),
    registration_shared_secret: secret,
    enable_registration: true,
    enable_registration_without_verification: true,
    allow_public_rooms_over_federation: true,
    room_list_publication_rules: [{ action: 'allow' }],
    // The cost of a password hash is not what anybody measures here.
    bcrypt_rounds: 4,
    ip_range_blacklist: [],
    federation_ip_range_blacklist: [],
    ...(options.tls && {
      tls_certificate_path: options.tls.certificateFile,
      tls_private_key_path: options.tls.keyFile,
    }),
    ...(options.caFile !== undefined && { federation_custom_ca_list: [options.caFile] }),
    ...rateLimits(),
    ...options.settings,
  }
}

function databaseOf(directory: string, url: string | undefined): object {
  if (url === undefined) return { name: 'sqlite3', args: { database: join(directory, 'homeserver.db') } }
  const { username, searchParams, hostname } = new URL(url)
  const host = searchParams.get('host') ?? hostname
  return { name: 'psycopg2', args: { user: username, host, dbname: SYNAPSE_DATABASE, cp_min: 5, cp_max: 10 } }
}

/** Python's logging configuration: warnings to stderr. */
export function logConfig(): object {
  return {
    version: 1,
    disable_existing_loggers: false,
    formatters: { plain: { format: '%(asctime)s %(name)s %(levelname)s %(message)s' } },
    handlers: { console: { class: 'logging.StreamHandler', formatter: 'plain' } },
    root: { level: 'WARNING', handlers: ['console'] },
  }
}

function listeners(options: SynapseOptions): object[] {
  const common = {
    type: 'http',
    bind_addresses: ['127.0.0.1'],
    resources: [{ names: ['client', 'federation'], compress: false }],
  }
  const plain = { ...common, port: options.port, tls: false }
  return options.tls === undefined ? [plain] : [plain, { ...common, port: options.tls.port, tls: true }]
}

function rateLimits(): object {
  return {
    rc_message: unlimited,
    rc_registration: unlimited,
    rc_registration_token_validity: unlimited,
    rc_login: { address: unlimited, account: unlimited, failed_attempts: unlimited },
    rc_admin_redaction: unlimited,
    rc_joins: { local: unlimited, remote: unlimited },
    rc_joins_per_room: unlimited,
    rc_room_creation: unlimited,
    rc_3pid_validation: unlimited,
    rc_invites: { per_room: unlimited, per_user: unlimited, per_issuer: unlimited },
    rc_third_party_invite: unlimited,
    rc_media_create: unlimited,
    rc_key_requests: unlimited,
    rc_presence: { per_user: unlimited },
    rc_delayed_event_mgmt: unlimited,
    rc_reports: unlimited,
    rc_user_directory: unlimited,
    rc_federation: {
      window_size: 1000,
      sleep_limit: 1_000_000,
      sleep_delay: 1,
      reject_limit: 1_000_000,
      concurrent: 1_000,
    },
    federation_rr_transactions_per_room_per_second: 1_000_000,
  }
}
