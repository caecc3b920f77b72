import { availableParallelism } from 'node:os'
import { CanonicalJsonError, canonicalJson, canonicalJsonAsRead } from '../../core/canonical-json.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { parsePdu, trustedEvent } from '../../core/event/format.ts'
import { asHashed } from '../../core/event/loose-numbers.ts'
import { contentHashMatches, eventWithRedactedContent } from '../../core/event/signatures.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import { keepNumberSources } from '../../core/parse-json.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import { nextTurn } from '../next-turn.ts'
import { WorkerPool } from '../worker-pool.ts'
import { type CheckSignature, checkInThread } from './check-signature.ts'
import type { KeyRing, KeyUse } from './keys/key-ring.ts'
import {
  keyIdsOf,
  type ParsedEvent,
  type SignatureRefusal,
  signableOf,
  signatureRefusal,
  signersOf,
  type VerifyFinding,
  type VerifyJob,
  type VerifyOptions,
} from './verify-job.ts'

/** An event whose format, signatures and hash have been checked, or why it is dropped. */
export type Verified =
  | { readonly event: RoomEvent }
  | ({ readonly eventId: string | undefined } & SignatureRefusal)

/** Events per slice: some milliseconds of work, after which whatever waits gets its turn. */
const SLICE = 50
/** So many and more are checked by threads, in jobs of a few tens of milliseconds. */
const MANY = 100
const JOB = 100

/** All servers of the process share its threads: as many as there are cores. */
const pool = new WorkerPool<VerifyJob, VerifyFinding[]>(new URL('./verify-worker.ts', import.meta.url), {
  threads: availableParallelism(),
})

/**
 * The checks of a received event that need no room: 1. format, 2. signatures, 3. hash (server-server API, "Checks
 * performed on receipt of a PDU"). Authorisation is the room's.
 */
export class EventVerifier {
  readonly #keys: KeyRing
  readonly #check: CheckSignature
  readonly #onBehalfOf: KeyUse['onBehalfOf']

  /** @param onBehalfOf who waits for the events, if it is not this server that has asked for them */
  constructor(
    keys: KeyRing,
    check: CheckSignature = checkInThread,
    onBehalfOf: KeyUse['onBehalfOf'] = undefined,
  ) {
    this.#keys = keys
    this.#check = check
    this.#onBehalfOf = onBehalfOf
  }

  /** Checks one event as it was received. Never throws, whatever the value. */
  async verify(pdu: JsonValue, version: RoomVersion, options: VerifyOptions = {}): Promise<Verified> {
    const [verified] = await this.verifyAll([pdu], version, options)
    return verified ?? { eventId: undefined, refusal: 'nothing was given' }
  }

  /**
   * Checks events of one room version, in slices, so that big rooms do not hold the event loop. The keys of all of
   * them are fetched side by side.
   *
   * @returns one result for each, in the same order.
   */
  async verifyAll(
    pdus: readonly JsonValue[],
    version: RoomVersion,
    options: VerifyOptions = {},
  ): Promise<Verified[]> {
    if (pdus.length >= MANY) return this.#verifyInThreads(pdus, version, options)
    const parsed = await inSlices(pdus, pdu => {
      const one = parsePdu(withoutUnsigned(pdu), version, options)
      return { ...one, needed: 'event' in one ? keysNeeded(one.event, one.event.pdu, options) : [] }
    })
    // Ask for all of them at once, each with the latest validity that is needed; below they are at hand.
    if (pdus.length > 1)
      await Promise.all(latestOf(parsed.map(one => one.needed)).map(need => this.#key(need)))
    return Promise.all(
      parsed.map(one =>
        'refusal' in one ? { eventId: one.eventId, refusal: one.refusal.message } : this.#judge(one, options),
      ),
    )
  }

  async #judge(
    parsed: ParsedEvent & { readonly needed: readonly KeyNeed[] },
    options: VerifyOptions,
  ): Promise<Verified> {
    const { event, texts, needed } = parsed
    const keys = new Map<string, string | undefined>()
    for (const need of needed) keys.set(tableKey(need), await this.#key(need))
    const keyOf = (server: string, keyId: string) => keys.get(tableKey({ server, keyId }))
    const refusal = await signatureRefusal(parsed, keyOf, options, this.#check)
    if (refusal !== undefined) return { eventId: event.eventId, ...refusal }
    return { event: contentHashMatches(event, texts) ? event : eventWithRedactedContent(event) }
  }

  /** The main thread finds the keys and makes the text that travels; the rest is done by all cores. */
  async #verifyInThreads(
    pdus: readonly JsonValue[],
    version: RoomVersion,
    options: VerifyOptions,
  ): Promise<Verified[]> {
    const bare = pdus.map(withoutUnsigned)
    const needed = await inSlices(bare, pdu => {
      const signable = signableOf(pdu, version)
      return signable === undefined || !isJsonObject(pdu) ? [] : keysNeeded(signable, pdu, options)
    })
    await Promise.all(latestOf(needed).map(need => this.#key(need)))
    // At hand by now, but for those of servers that are asked once more: not one after another, each of which may be silent for half a minute.
    const keys = await Promise.all(needed.map(needs => this.#keysOf(needs)))
    const jobs: Promise<VerifyFinding[]>[] = []
    for (let start = 0; start < bare.length; start += JOB) {
      const events: VerifyJob['events'][number][] = []
      for (let index = start; index < Math.min(start + JOB, bare.length); index++) {
        events.push({ text: textOf(bare[index], version), keys: keys[index] ?? [] })
      }
      jobs.push(pool.run({ version: version.id, options, events }))
      await nextTurn()
    }
    const findings = (await Promise.all(jobs)).flat()
    return inSlices(findings, (finding, index) => concluded(finding, bare[index], version))
  }

  async #keysOf(needs: readonly KeyNeed[]): Promise<(readonly [string, string, string])[]> {
    const keys = await Promise.all(needs.map(need => this.#key(need)))
    return needs.flatMap(({ server, keyId }, index) => {
      const key = keys[index]
      return key === undefined ? [] : [[server, keyId, key] as const]
    })
  }

  #key({ server, keyId, ...use }: KeyNeed): Promise<string | undefined> {
    return this.#keys.publicKey(server, keyId, { ...use, onBehalfOf: this.#onBehalfOf })
  }
}

/** A key that a signature names. */
interface KeyNeed extends KeyUse {
  readonly server: string
  readonly keyId: string
}

const keysNeeded = (
  event: Parameters<typeof signersOf>[0],
  pdu: JsonObject,
  options: VerifyOptions,
): KeyNeed[] => {
  const sent = pdu['origin_server_ts']
  const ignoresValidUntil = !event.version.signatures.enforceKeyValidity
  const { vouchedBy } = options
  const use: KeyUse = { ...(typeof sent === 'number' ? { validAt: sent } : {}), ignoresValidUntil, vouchedBy }
  return signersOf(event, options).flatMap(server =>
    keyIdsOf(pdu, server).map(keyId => ({ server, keyId, ...use })),
  )
}

const latestOf = (needs: readonly (readonly KeyNeed[])[]): KeyNeed[] => {
  const latest = new Map<string, KeyNeed>()
  for (const need of needs.flat()) {
    const key = tableKey(need)
    const known = latest.get(key)
    if (known === undefined || (need.validAt ?? 0) > (known.validAt ?? 0)) latest.set(key, need)
  }
  return [...latest.values()]
}

/** What a peer says in `unsigned` is nobody's word, and not ours to pass on. */
const withoutUnsigned = (pdu: JsonValue): JsonValue => {
  if (!isJsonObject(pdu) || !Object.hasOwn(pdu, 'unsigned')) return pdu
  const { unsigned: _, ...rest } = pdu
  return keepNumberSources(pdu, rest)
}

const tableKey = ({ server, keyId }: Pick<KeyNeed, 'server' | 'keyId'>): string => `${server} ${keyId}`

/** An event as text that a thread reads back to the same; what has none is no event anywhere. */
const textOf = (pdu: JsonValue | undefined, version: RoomVersion): string => {
  if (pdu === undefined) return ''
  try {
    return version.format.strictCanonicalJson
      ? canonicalJson(pdu, { strictNumbers: true })
      : canonicalJsonAsRead(pdu)
  } catch (error) {
    if (error instanceof CanonicalJsonError) return ''
    throw error
  }
}

const concluded = (finding: VerifyFinding, pdu: JsonValue | undefined, version: RoomVersion): Verified => {
  if ('refusal' in finding) {
    // What has no text did not travel: here is what is wrong with it.
    const parsed = finding.eventId === undefined && pdu !== undefined ? parsePdu(pdu, version) : undefined
    return parsed !== undefined && 'refusal' in parsed
      ? { eventId: parsed.eventId, refusal: parsed.refusal.message }
      : finding
  }
  const event = trustedEvent(asHashed(pdu as JsonObject, version), finding.eventId, version)
  return { event: finding.hashMatches ? event : eventWithRedactedContent(event) }
}

const inSlices = async <T, R>(items: readonly T[], work: (item: T, index: number) => R): Promise<R[]> => {
  const results: R[] = []
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % SLICE === 0) await nextTurn()
    results.push(work(item, index))
  }
  return results
}
