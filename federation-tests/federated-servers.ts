import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { freePort } from '../bench/free-port.ts'
import { type RunningTestServer, startTestServer } from '../src/test-kit/server.ts'
import { createAuthority } from '../src/test-kit/tls.ts'

/** Servers that reach each other over TLS under names that only they can resolve. */
export interface FederatedNet {
  /** The port under which the others find a server. */
  portOf(serverName: string): number
  /** The settings of a server; by default it listens where the others look for it. */
  settingsOf(serverName: string, listening?: { port: number; clientPort: number }): Promise<object>
}

/** Lays the net, before there is any server. */
export const federatedNet = async (
  t: Pick<ExecutionContext, 'teardown'>,
  names: readonly string[],
): Promise<FederatedNet> => {
  const authority = await createAuthority()
  const directory = mkdtempSync(join(tmpdir(), 'tessera-federated-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const caFile = join(directory, 'ca.pem')
  writeFileSync(caFile, authority.pem)
  const ports = new Map<string, number>()
  for (const name of names) ports.set(name, await freePort())
  const hosts = Object.fromEntries(Array.from(ports, ([name, port]) => [name, [`127.0.0.1:${port}`]]))
  const portOf = (serverName: string): number => ports.get(serverName) ?? 0
  return {
    portOf,
    settingsOf: async (serverName, { port, clientPort } = { port: portOf(serverName), clientPort: 0 }) => {
      const leaf = await authority.issue([serverName])
      const tls = {
        certificate: join(directory, `${serverName}.pem`),
        key: join(directory, `${serverName}.key`),
      }
      writeFileSync(tls.certificate, leaf.cert)
      writeFileSync(tls.key, leaf.key, { mode: 0o600 })
      return {
        listeners: [
          { host: '127.0.0.1', port: clientPort },
          { host: '127.0.0.1', port, tls },
        ],
        ca_file: caFile,
        federation: { deny_addresses: [], hosts, back_off: { min: '200ms', max: '1s' } },
      }
    },
  }
}

/** Starts whole servers on a net of their own. */
export const startFederatedServers = async (
  t: ExecutionContext,
  names: readonly string[],
): Promise<RunningTestServer[]> => {
  const net = await federatedNet(t, names)
  return Promise.all(
    names.map(async serverName => {
      const server = await startTestServer({ serverName, settings: await net.settingsOf(serverName) })
      t.teardown(server.close)
      return server
    }),
  )
}
