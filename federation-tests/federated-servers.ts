import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { freePort } from '../bench/free-port.ts'
import { type RunningTestServer, startTestServer } from '../src/test-kit/server.ts'
import { createAuthority } from '../src/test-kit/tls.ts'

/** Starts whole servers that reach each other over TLS under names that only they can resolve. */
export const startFederatedServers = async (
  t: ExecutionContext,
  names: readonly string[],
): Promise<RunningTestServer[]> => {
  const authority = await createAuthority()
  const directory = mkdtempSync(join(tmpdir(), 'tessera-federated-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const caFile = join(directory, 'ca.pem')
  writeFileSync(caFile, authority.pem)
  const ports = new Map<string, number>()
  for (const name of names) ports.set(name, await freePort())
  const hosts = Object.fromEntries(Array.from(ports, ([name, port]) => [name, [`127.0.0.1:${port}`]]))
  return Promise.all(
    names.map(async serverName => {
      const leaf = await authority.issue([serverName])
      const tls = {
        certificate: join(directory, `${serverName}.pem`),
        key: join(directory, `${serverName}.key`),
      }
      writeFileSync(tls.certificate, leaf.cert)
      writeFileSync(tls.key, leaf.key, { mode: 0o600 })
      const server = await startTestServer({
        serverName,
        settings: {
          listeners: [
            { host: '127.0.0.1', port: 0 },
            { host: '127.0.0.1', port: ports.get(serverName), tls },
          ],
          ca_file: caFile,
          federation: { deny_addresses: [], hosts },
        },
      })
      t.teardown(server.close)
      return server
    }),
  )
}
