/** Servers that publish keys, and one that fetches, keeps and vouches for them. */
import type { ExecutionContext } from 'ava'
import type { JsonObject } from '../core/json.ts'
import { silentLog } from '../core/log.ts'
import { type SigningKey, signingKeyFromSeed, signJson } from '../core/signing.ts'
import type { KeyQuery, ServerKeys } from '../network/federation/keys.ts'
import { FederationError } from '../network/federation-client.ts'
import { KeyFetcher } from '../services/federation/keys/key-fetcher.ts'
import { KeyRing } from '../services/federation/keys/key-ring.ts'
import { Notary } from '../services/federation/keys/notary.ts'
import { OwnKeys } from '../services/federation/keys/own-keys.ts'
import { permitsOf } from '../services/federation/options.ts'
import { testDatabase } from './database.ts'
import { FakeClock } from './fake-clock.ts'

export const DAY = 24 * 60 * 60_000
/** A key by a number. */
export const keyOf = (seed: number, id = 'ed25519:k'): SigningKey =>
  signingKeyFromSeed(id, new Uint8Array(32).fill(seed))

/** What a server says of its keys; times in milliseconds. */
interface Published {
  readonly active: readonly SigningKey[]
  readonly retired?: readonly { readonly key: SigningKey; readonly expiredTs: number }[]
  readonly validUntilTs: number
  /** Signs in place of the active keys. */
  readonly signedBy?: SigningKey
}

/** The key document of a server, signed. */
export const documentOf = (serverName: string, published: Published): ServerKeys => {
  const { active, retired = [], validUntilTs, signedBy } = published
  const unsigned: JsonObject = {
    server_name: serverName,
    valid_until_ts: validUntilTs,
    verify_keys: Object.fromEntries(active.map(key => [key.keyId, { key: key.publicKey }])),
    old_verify_keys: Object.fromEntries(
      retired.map(({ key, expiredTs }) => [key.keyId, { key: key.publicKey, expired_ts: expiredTs }]),
    ),
  }
  const signers = signedBy === undefined ? active : [signedBy]
  return {
    serverName,
    validUntilTs,
    verifyKeys: new Map(active.map(key => [key.keyId, key.publicKey])),
    oldVerifyKeys: new Map(
      retired.map(({ key, expiredTs }) => [key.keyId, { key: key.publicKey, expiredTs }]),
    ),
    raw: signers.reduce((document, key) => signJson(document, serverName, key), unsigned),
  }
}

/** Other servers, as far as their keys go. */
class Servers {
  readonly published = new Map<string, Published>()
  /** Server name → documents that it vouches for as a notary. */
  readonly vouched = new Map<string, ServerKeys[]>()
  readonly asked: string[] = []
  /** Servers that never answer. */
  readonly silent = new Set<string>()
  /** What the notaries were asked last. */
  query: KeyQuery = new Map()

  async getServerKeys(server: string): Promise<ServerKeys> {
    this.asked.push(server)
    await Promise.resolve()
    if (this.silent.has(server)) return new Promise(() => {})
    const published = this.published.get(server)
    if (published === undefined) throw new FederationError('unreachable', server, 'down')
    return documentOf(server, published)
  }

  async queryKeys(notary: string, query: KeyQuery): Promise<ServerKeys[]> {
    this.query = query
    this.asked.push(`${notary}? ${[...query.keys()].join(' ')}`)
    return this.vouched.get(notary) ?? []
  }
}

/** The keys of `here.test`, which asks other servers for theirs; `build` makes its key ring anew, as a restart does. */
export const keyWorld = async (
  t: ExecutionContext,
  options: {
    notaries?: string[]
    denyServers?: string[]
    database?: Awaited<ReturnType<typeof testDatabase>>
  } = {},
) => {
  const clock = new FakeClock()
  const servers = new Servers()
  const database = options.database ?? (await testDatabase(t))
  const permits = permitsOf({
    enabled: true,
    denyServers: options.denyServers ?? [],
    allowServers: undefined,
  })
  const own = new OwnKeys({
    serverName: 'here.test',
    active: [keyOf(1, 'ed25519:one'), keyOf(2, 'ed25519:two')],
    retired: [{ keyId: 'ed25519:old', publicKey: keyOf(3).publicKey, expiredTs: 5 }],
    clock,
  })
  const build = () => {
    const fetcher = new KeyFetcher({
      client: servers,
      clock,
      log: silentLog,
      permits,
      notaries: options.notaries ?? [],
    })
    return new KeyRing({ own, fetcher, database, clock })
  }
  const ring = build()
  return { clock, servers, own, ring, build, notary: new Notary({ own, ring, clock, permits }) }
}
