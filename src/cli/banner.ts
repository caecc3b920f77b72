import type { ConfigFlags } from '../config/load.ts'
import type { Config } from '../config/schema/index.ts'
import type { FirstStart } from './ports.ts'
import { twin } from './settings.ts'

/** What a banner tells of. Paths are as the user would write them. */
export interface BannerFacts {
  readonly version: string
  readonly nodeVersion: string
  readonly config: Config
  readonly flags: ConfigFlags
  readonly urls: readonly string[]
  readonly warnings: readonly string[]
  /** The settings file in effect, if there is one. */
  readonly settings?: string
  /** What this start has made. */
  readonly created: { readonly settings?: string; readonly signingKey?: string }
  /** The SQLite file, or the host of the PostgreSQL database. */
  readonly database: string
}

/** An address that can be typed into a browser on this machine. */
export const reachable = (url: string): string =>
  url
    .replace(/^(https?:\/\/)(?:127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?=[:/]|$)/, '$1localhost')
    .replace(/\/$/, '')

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const row = (label: string, text: string): string => `  ${label.padEnd(10)}${text}`

const warningLines = (warnings: readonly string[]): string[] => warnings.map(warning => `  ! ${warning}`)

const registrationHint = ({ config, flags, settings = 'the settings' }: BannerFacts): string => {
  if (config.registration.mode === 'open') return 'Registration is open to everybody.'
  const command = twin('token create', flags)
  return config.registration.mode === 'token'
    ? `Registration takes a token. Make one:  ${command}`
    : `Registration is closed. To invite people, set registration.mode to token in ${settings}, then:  ${command}`
}

const migrated = ({ applied, milliseconds }: FirstStart['migrations']): string =>
  `${plural(applied, 'migration')} in ${Math.round(milliseconds)} ms`

const made = ({ created, database }: BannerFacts, { signingKeyId, migrations }: FirstStart): string[] => [
  ...(created.settings === undefined
    ? []
    : [row('Settings', `${created.settings}  (every option is explained there; edit, then restart)`)]),
  ...(created.signingKey === undefined
    ? []
    : [row('Key', `${created.signingKey}  ${signingKeyId}  (back this up: it is your server's identity)`)]),
  row('Database', migrations.applied === 0 ? database : `${database}  (${migrated(migrations)})`),
]

/** What a server that has no administrator yet says: what it made, what to open, what to type. */
export const firstStartBanner = (facts: BannerFacts, firstStart: FirstStart): string => {
  const { version, nodeVersion, config, flags, urls, warnings } = facts
  const base = reachable(urls[0] ?? '')
  const trial = config.serverName === 'localhost'
  return [
    '',
    `  Tessera ${version}  ·  Matrix homeserver  ·  node ${nodeVersion}`,
    '',
    ...made(facts, firstStart),
    '',
    row('Server', `${config.serverName}  on ${urls.map(reachable).join(', ')}`),
    ...(config.webPage.enabled
      ? [row('Chat', `${base}/  (in a browser; or give the address to any Matrix client)`)]
      : []),
    row('API', `${base}/_matrix/client/versions`),
    row('Health', `${base}/health`),
    '',
    '  No administrator yet. Open this link once to make one (valid 24 h):',
    `    ${reachable(firstStart.setupUrl)}`,
    `  or:  ${twin('user create alice --admin', flags)}`,
    '',
    `  ${registrationHint(facts)}`,
    ...(trial
      ? [
          '',
          '  ! server_name is "localhost": fine for trying out, no federation. It can never be changed later.',
          `    For a real server, in a directory of its own:  ${twin('init --server-name example.org --data DIR', {})}`,
        ]
      : []),
    ...(warnings.length > 0 ? ['', ...warningLines(warnings)] : []),
    '',
  ].join('\n')
}

/** What every later start says. */
export const banner = (facts: BannerFacts, stats: { rooms: number; users: number }): string =>
  [
    `  Tessera ${facts.version}  ·  ${facts.config.serverName}  ·  node ${facts.nodeVersion}`,
    `  ${facts.urls.map(reachable).join(', ')}`,
    `  ${plural(stats.users, 'user')}, ${plural(stats.rooms, 'room')}`,
    ...warningLines(facts.warnings),
  ].join('\n')
