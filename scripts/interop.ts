/**
 * Tessera and a server that nobody here wrote federate on this machine, over TLS with a throw-away authority.
 * What each of `npm run interop:…` takes: parts of scenarios' names, to try only those; `--logs`, to see after each
 * scenario of what the two servers have warned or complained meanwhile; `--where-possible`, with which a machine where the
 * other server cannot be installed is none that has failed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../bench/free-port.ts'
import { type Log, type LogFields, silentLog } from '../src/core/log.ts'
import { type RunningTestServer, startTestServer } from '../src/test-kit/server.ts'
import { type Certificates, certify } from './certificates.ts'
import type { ForeignServer } from './foreign-server.ts'
import { NotSupported } from './interop-parts.ts'
import { scenarios } from './interop-scenarios.ts'
import { type SwitchedNetwork, switchedNetwork } from './switched-network.ts'

/** What the other server is told of itself and of the authority. */
export interface PeerPlan {
  readonly serverName: string
  /** Of plain HTTP. */
  readonly port: number
  readonly tls: { readonly port: number; readonly certificateFile: string; readonly keyFile: string }
  readonly caFile: string
}

/** A kind of server that scenarios are tried with. */
export interface PeerKind {
  readonly name: string
  /** The newest room version that it has; ours makes rooms of that unless a scenario asks for another. */
  readonly roomVersion: string
  /** Fails where it cannot be had: no compiler or interpreter, no package index. */
  install(): Promise<unknown>
  start(plan: PeerPlan): Promise<ForeignServer & { readonly url: string }>
  /** Whether a line of its output is a warning or worse. */
  readonly isComplaint: (line: string) => boolean
  /** What fails because that server deviates from the specification, or leaves it out: names of scenarios, and why. */
  readonly deviations: Readonly<Record<string, string>>
}

/** What the servers are called, ours first: access control lists tell them apart by that alone, and not by ports. */
const HOSTS = ['localhost', '127.0.0.1'] as const

/** Where a server is: its name leads to the net between the two, and that to the server. */
const newPlace = async (host: string) => {
  const [namedPort, tlsPort, port] = [await freePort(), await freePort(), await freePort()]
  return { name: `${host}:${namedPort}`, namedPort, tlsPort, port }
}

type Place = Awaited<ReturnType<typeof newPlace>>

/** A log that keeps what an operator should look at. */
const complaining = (lines: string[], bound: LogFields = {}): Log => {
  const keep =
    (level: string): Log['warn'] =>
    (fields, message) => {
      const error = fields['err'] instanceof Error ? { err: fields['err'].stack } : {}
      lines.push(`${level} ${message} ${JSON.stringify({ ...bound, ...fields, ...error })}`)
    }
  return {
    ...silentLog,
    warn: keep('warn'),
    error: keep('error'),
    fatal: keep('fatal'),
    child: fields => complaining(lines, { ...bound, ...fields }),
  }
}

const startOurs = (
  { name, tlsPort }: Place,
  { certificateFile, keyFile, caFile }: Certificates,
  roomVersion: string,
  log: Log,
): Promise<RunningTestServer> =>
  startTestServer({
    serverName: name,
    log,
    settings: {
      listeners: [
        { port: 0, host: '127.0.0.1' },
        { port: tlsPort, host: '127.0.0.1', tls: { certificate: certificateFile, key: keyFile } },
      ],
      ca_file: caFile,
      rooms: { default_version: roomVersion },
      federation: { deny_addresses: [], back_off: { min: '1s', max: '2s' } },
    },
  })

type Outcome = 'passed' | 'failed' | 'noted' | 'left out'

/** Plays one scenario and says how it went. */
const play = async (name: string, reason: string | undefined, run: () => Promise<void>): Promise<Outcome> => {
  const started = Date.now()
  const say = (sign: string, text = ''): void =>
    console.log(`${sign} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)${text}`)
  try {
    await run()
    say('✔', reason === undefined ? '' : '\n  noted as a deviation, and is none any more')
    return 'passed'
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof NotSupported) {
      say('–', `\n  not supported: ${message}`)
      return 'left out'
    }
    say(
      reason === undefined ? '✘' : '≠',
      `\n  ${message}${reason === undefined ? '' : `\n  known: ${reason}`}`,
    )
    return reason === undefined ? 'failed' : 'noted'
  }
}

/** What is new in a growing list or file. */
const newIn = (read: () => readonly string[]): (() => readonly string[]) => {
  let seen = 0
  return () => {
    const lines = read()
    const fresh = lines.slice(seen)
    seen = lines.length
    return fresh
  }
}

/**
 * Tries the scenarios that the command line names, by default all, with a server of that kind.
 * @returns the exit code: 0 unless a scenario failed that is not noted as a deviation
 */
export const interop = async (kind: PeerKind): Promise<number> => {
  const { values, positionals } = parseArgs({
    options: {
      logs: { type: 'boolean', default: false },
      'where-possible': { type: 'boolean', default: false },
    },
    allowPositionals: true,
  })
  const hindrance = await kind.install().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  if (hindrance === undefined) return tryAll(kind, positionals.length === 0 ? [''] : positionals, values.logs)
  console.log(`Not tried, since ${kind.name} cannot be installed here: ${hindrance}`)
  return values['where-possible'] ? 0 : 1
}

const tryAll = async (kind: PeerKind, wanted: readonly string[], withLogs: boolean): Promise<number> => {
  const tried = Object.entries(scenarios).filter(([name]) => wanted.some(part => name.includes(part)))
  const [ours, theirs] = [await newPlace(HOSTS[0]), await newPlace(HOSTS[1])]
  const directory = mkdtempSync(join(tmpdir(), 'tessera-interop-'))
  const certificates = await certify(directory, HOSTS)
  const peer = await kind.start({
    serverName: theirs.name,
    port: theirs.port,
    tls: { port: theirs.tlsPort, ...certificates },
    caFile: certificates.caFile,
  })
  const complaints: string[] = []
  const tessera = await startOurs(ours, certificates, kind.roomVersion, complaining(complaints))
  const network: SwitchedNetwork = switchedNetwork()
  const output = join(peer.directory, 'output.log')
  const logs = [
    ['Tessera', newIn(() => complaints)],
    [kind.name, newIn(() => readFileSync(output, 'utf8').split('\n').filter(kind.isComplaint))],
  ] as const
  const outcomes: Outcome[] = []
  // Whatever ends this process ends the other server with it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  try {
    for (const { namedPort, tlsPort } of [ours, theirs]) await network.carry(namedPort, tlsPort)
    for (const [name, scenario] of tried) {
      const reason = kind.deviations[name]
      outcomes.push(await play(name, reason, () => scenario(tessera.url, peer.url, network)))
      for (const [whose, fresh] of logs)
        if (withLogs) for (const line of fresh()) console.log(`  ${whose}: ${line}`)
    }
  } finally {
    await tessera.close()
    await peer.stop()
    network.close()
    rmSync(directory, { recursive: true, force: true })
  }
  const count = (wanted: Outcome): string =>
    `${outcomes.filter(outcome => outcome === wanted).length} ${wanted}`
  console.log([count('passed'), count('failed'), count('noted'), count('left out')].join(', '))
  return outcomes.includes('failed') ? 1 : 0
}
