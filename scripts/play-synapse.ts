/**
 * `npm run play:synapse`: worlds that seeds make up, in which ours and Synapses are cut off from each other, killed and started again
 * while people do what people do. Once all is calm, what clients of each server see is compared (docs/federation.md).
 * `-- --first 7 --seeds 1` plays the seventh alone.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { certify } from './certificates.ts'
import { Links } from './play/links.ts'
import { type Kind, LiveServer } from './play/live-server.ts'
import { checkPeople, checkReceipts, Inboxes } from './play/person-checks.ts'
import { checkPlaces } from './play/place-checks.ts'
import { checkRoom, partedIn } from './play/room-checks.ts'
import { begin, calm, play, speak } from './play/story.ts'
import { checkTimeline } from './play/timeline-checks.ts'
import { viewsOf } from './play/views.ts'
import { World } from './play/world.ts'

const { values } = parseArgs({
  options: {
    first: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '3' },
    deeds: { type: 'string', default: '60' },
    servers: { type: 'string', default: 'ours,synapse,synapse' },
    /** Seconds. For a minute after it was in vain, nobody is asked for history again. */
    patience: { type: 'string', default: '90' },
    kills: { type: 'boolean', default: true },
    /** Where the databases and outputs of the servers are kept of seeds with differences. */
    keep: { type: 'string' },
    trace: { type: 'string', default: join(tmpdir(), 'play-synapse.trace') },
  },
  allowNegative: true,
})

/** Loopback addresses: servers are told apart by them, also in access control lists, which look at no ports. */
const HOSTS = ['localhost', '127.0.0.1', '127.0.0.2', '127.0.0.3'] as const

const base = mkdtempSync(join(tmpdir(), 'play-synapse-'))
process.once('exit', () => rmSync(base, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const links = new Links()
const certificates = await certify(base, HOSTS)
const servers: LiveServer[] = []
for (const [index, kind] of (values.servers.split(',') as Kind[]).entries()) {
  const server = await LiveServer.make(kind, HOSTS[index] ?? 'localhost', base, certificates)
  await links.carry(server)
  await server.start()
  servers.push(server)
}

/** All differences now, and who is parted from whom for good. */
const compare = async (world: World, inboxes: Inboxes): Promise<{ found: string[]; parted: string[] }> => {
  const all = await viewsOf(world)
  const parted = all.flatMap(each => partedIn(world, each))
  const together = all.filter(each => partedIn(world, each).length === 0)
  const found: string[] = []
  for (const each of together) {
    // First what is shown: what is missing comes while somebody looks.
    found.push(...(await checkTimeline(world, each)), ...(await checkReceipts(world, each)))
    found.push(...checkRoom(world, each))
  }
  found.push(...(await inboxes.check(world)), ...(await checkPeople(world, together)))
  found.push(...(await checkPlaces(world, together)))
  return { found, parted }
}

/** Compares until there is no difference, for as long as it takes for what is put off. */
const settle = async (world: World): Promise<{ found: string[]; parted: string[] }> => {
  await calm(world)
  const inboxes = new Inboxes()
  for (const end = Date.now() + Number(values.patience) * 1000; ; ) {
    const compared = await compare(world, inboxes)
    if (compared.found.length === 0 || Date.now() > end) return compared
    world.log('not yet:', compared.found)
    await sleep(3000)
    if (Date.now() > end - 15_000) await speak(world)
  }
}

let differing = 0
for (let seed = Number(values.first); seed < Number(values.first) + Number(values.seeds); seed++) {
  const world = new World(seed, servers, links, values.trace)
  world.log(`===== seed ${seed}`)
  const started = Date.now()
  await begin(world)
  await play(world, Number(values.deeds), values.kills)
  const played = Date.now()
  const { found, parted } = await settle(world)
  const all = [...world.troubles, ...found]
  const seconds = (ms: number): string => (ms / 1000).toFixed(0)
  console.log(
    `seed ${seed}: ${all.length} differences; ${world.rooms.map(({ label }) => label).join(' ')}, ${world.events.length} events, ` +
      `${seconds(played - started)} + ${seconds(Date.now() - played)} s`,
  )
  for (const line of [...all, ...parted]) console.log(`  ${line}`)
  world.log(...all, ...parted)
  if (all.length === 0) continue
  differing++
  if (values.keep !== undefined)
    for (const { directory, label } of servers)
      cpSync(directory, join(values.keep, `seed${seed}`, label), { recursive: true })
}
console.log(`${differing} seeds with differences`)
for (const server of servers) await server.kill()
process.exit(differing === 0 ? 0 : 1)
