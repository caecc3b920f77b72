import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import test from 'ava'
import type { SynapseSource } from '../storage/synapse/source.ts'
import { synapseSeemsToRun } from './synapse-running.ts'

test('what answers is there though the time is over when it is looked, and what does not is not', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const source = { othersConnected: async () => 0 } as unknown as SynapseSource
  const reason = () => {
    const found = synapseSeemsToRun({ directory: '', tree: { listeners: [{ port }] } }, source, '', 1)
    // As long as this takes nothing is looked at, as on a machine with much else to do.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    return found
  }
  t.regex(String(await reason()), /something answers on its port/)
  server.close()
  await once(server, 'close')
  t.is(await reason(), undefined)
})
