import { canonicalJson } from '../src/core/canonical-json.ts'
import type { JsonValue } from '../src/core/json.ts'
import { silentLog } from '../src/core/log.ts'
import { parseJson } from '../src/core/parse-json.ts'
import type { FederationClient } from '../src/network/federation-client.ts'
import { createInbound } from '../src/services/federation/inbound/index.ts'
import type { KeyRing } from '../src/services/federation/keys/key-ring.ts'
import { EventVerifier } from '../src/services/federation/verify-event.ts'
import { importRoom } from '../src/services/rooms/import-room.ts'
import type { RoomCore } from '../src/services/rooms/index.ts'
import { ALICE, GrowingRoom, key, ME, version, withCore } from './growing-room.ts'

/**
 * What it costs to receive the events of one busy room in transactions, against sending as many: both without HTTP, with
 * signatures, durable. `node bench/federation.ts [events (1,000)] [rounds (5)]`
 */
const EVENTS = Number(process.argv[2] ?? 1_000)
const ROUNDS = Number(process.argv[3] ?? 5)
/** "Maximum: 50" PDUs in a transaction. */
const PER_TRANSACTION = 50
/** Local users who send at once. */
const SENDERS = 64

const unused = new Proxy({} as FederationClient, {
  get: (_, name) => () =>
    Promise.reject(new Error(`nothing is to be asked of other servers: ${String(name)}`)),
})

interface Cost {
  readonly perSecond: number
  /** CPU of all threads, microseconds for each event. */
  readonly cpu: number
}

const measured = async (work: () => Promise<unknown>): Promise<Cost> => {
  const before = process.cpuUsage()
  const started = performance.now()
  await work()
  const ms = performance.now() - started
  const { user, system } = process.cpuUsage(before)
  return { perSecond: (EVENTS * 1_000) / ms, cpu: (user + system) / EVENTS }
}

const rounds = (core: RoomCore): (() => Promise<{ sent: Cost; received: Cost }>) => {
  const { context, sender, writer } = core
  const ring: Pick<KeyRing, 'publicKey'> = { publicKey: async () => key.publicKey }
  const verifier = new EventVerifier(ring as KeyRing)
  const inbound = createInbound({
    core,
    client: unused,
    ...{ verifier, verifierOfFetched: verifier },
    mayBeInvited: async () => true,
    joinsIdle: async () => undefined,
    remindOfLeaves: () => undefined,
    log: silentLog,
  })
  let round = 0
  const message = (body: string) => ({ msgtype: 'm.text', body })
  const arrived = (position: number): Promise<void> =>
    new Promise(resolve => {
      const look = (): void => {
        if (context.db.position('events') < position) return
        stop()
        resolve()
      }
      const stop = context.db.onCommit(look)
      look()
    })
  return async () => {
    round += 1
    const room = new GrowingRoom(key, Date.now())
    room.add(ALICE, 'm.room.name', '', { name: `round ${round}` })
    const state = [...room.state.values()]
    const current = new Set(state)
    const authChain = room.all.filter(event => !current.has(event))
    const join = room.add(ME, 'm.room.member', ME, { membership: 'join' })
    const { roomId } = room
    await importRoom(writer, { roomId, version, join, state, authChain })
    // As they come out of a body: what is built here is signed only when somebody looks.
    const pdus = Array.from({ length: EVENTS }, (_, n): JsonValue => {
      const { pdu } = room.add(ALICE, 'm.room.message', undefined, message(`number ${n}`))
      return parseJson(canonicalJson(pdu))
    })
    const first = context.db.position('events')
    const received = await measured(async () => {
      for (let at = 0; at < EVENTS; at += PER_TRANSACTION) {
        const transaction = { pdus: pdus.slice(at, at + PER_TRANSACTION), edus: [] }
        await inbound.transactions.receive('peer.test', `${round}-${at}`, transaction)
      }
      await arrived(first + EVENTS)
    })
    const sent = await measured(async () => {
      const numbers = Array.from({ length: EVENTS }, (_, n) => n).values()
      const sending = Array.from({ length: SENDERS }, async () => {
        for (const n of numbers) {
          const template = { type: 'm.room.message', sender: ME, content: message(`number ${n}`) }
          const transaction = { userId: ME, deviceId: 'BENCH', scope: roomId, txnId: String(n) }
          await sender.send(roomId, template, { transaction })
        }
      })
      await Promise.all(sending)
    })
    return { sent, received }
  }
}

await withCore(async core => {
  const run = rounds(core)
  const rows: Record<string, string>[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const { sent, received } = await run()
    // The first one warms up.
    if (round === 0) continue
    rows.push({
      'sent, 1/s': sent.perSecond.toFixed(0),
      'received, 1/s': received.perSecond.toFixed(0),
      'ratio (target: 0.3)': (received.perSecond / sent.perSecond).toFixed(2),
      'CPU to send, µs': sent.cpu.toFixed(0),
      'CPU to receive, µs': received.cpu.toFixed(0),
    })
  }
  console.table(rows)
})
