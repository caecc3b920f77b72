/**
 * `npm run interop:synapse`: Tessera and a Synapse of its own (in a virtual environment, no dependency of ours) federate on
 * this machine, over TLS with a throw-away authority. `npm run interop:synapse -- knock` tries only what has this in its name.
 * With `--where-possible` a machine on which Synapse cannot be installed is none that has failed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../bench/free-port.ts'
import { startTestServer } from '../src/test-kit/server.ts'
import { createAuthority } from '../src/test-kit/tls.ts'
import { scenarios } from './interop-scenarios.ts'
import { switchedNetwork } from './switched-network.ts'
import { installSynapse, startSynapse } from './synapse.ts'

/** Where a server is: its name leads to the net between the two, and that to the server. */
const newPlace = async () => {
  const [namedPort, tlsPort, port] = [await freePort(), await freePort(), await freePort()]
  return { name: `localhost:${namedPort}`, namedPort, tlsPort, port }
}

const run = async (wanted: string): Promise<number> => {
  const [ours, theirs] = [await newPlace(), await newPlace()]
  const directory = mkdtempSync(join(tmpdir(), 'tessera-interop-'))
  const authority = await createAuthority()
  const { cert, key } = await authority.issue(['localhost'])
  const files = {
    certificate: join(directory, 'cert.pem'),
    key: join(directory, 'key.pem'),
    ca: join(directory, 'ca.pem'),
  }
  writeFileSync(files.certificate, cert)
  writeFileSync(files.key, key, { mode: 0o644 })
  writeFileSync(files.ca, authority.pem)
  const synapse = await startSynapse({
    serverName: theirs.name,
    port: theirs.port,
    tls: { port: theirs.tlsPort, certificateFile: files.certificate, keyFile: files.key },
    caFile: files.ca,
    // Whoever comes back is tried again at once: nobody waits for ten minutes here.
    settings: {
      federation: {
        destination_min_retry_interval: '1s',
        destination_max_retry_interval: '2s',
        // Within an attempt to send, too: by default it waits for up to a minute between tries, whoever is heard from.
        max_long_retry_delay: '1s',
      },
    },
  })
  const tessera = await startTestServer({
    serverName: ours.name,
    settings: {
      listeners: [
        { port: 0, host: '127.0.0.1' },
        { port: ours.tlsPort, host: '127.0.0.1', tls: { certificate: files.certificate, key: files.key } },
      ],
      ca_file: files.ca,
      federation: { deny_addresses: [], back_off: { min: '1s', max: '2s' } },
    },
  })
  const network = switchedNetwork()
  for (const { namedPort, tlsPort } of [ours, theirs]) await network.carry(namedPort, tlsPort)
  const tried = Object.entries(scenarios).filter(([name]) => name.includes(wanted))
  let failures = 0
  try {
    for (const [name, scenario] of tried) {
      try {
        await scenario(tessera.url, synapse.url, network)
        console.log(`✔ ${name}`)
      } catch (error) {
        failures += 1
        console.log(`✘ ${name}\n  ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  } finally {
    await tessera.close()
    await synapse.stop()
    network.close()
    rmSync(directory, { recursive: true, force: true })
  }
  console.log(`${tried.length - failures} passed, ${failures} failed`)
  return failures === 0 ? 0 : 1
}

/** Why Synapse cannot be had here, if so: no Python, or no package index. */
const hindrance = (): Promise<string | undefined> =>
  installSynapse().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )

const { values, positionals } = parseArgs({
  options: { 'where-possible': { type: 'boolean', default: false } },
  allowPositionals: true,
})
const reason = values['where-possible'] ? await hindrance() : undefined
if (reason !== undefined) console.log(`Not tried, since Synapse cannot be installed here: ${reason}`)
process.exit(reason === undefined ? await run(positionals[0] ?? '') : 0)
