import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTestServer } from '../src/test-kit/server.ts'

/**
 * Downloads of a 10 MB file, taking turns with a bare file server, each in a process of its own; and how memory grows while
 * 100 MB are uploaded. `node bench/media.ts`
 */
const SIZE = 10 * 1024 * 1024
const UPLOAD = 100 * 1024 * 1024
const ROUNDS = 20
const AT_ONCE = 4

interface Served {
  readonly port: number
  readonly path: string
  readonly token: string
}

/** A file server as anybody writes it. */
const serveBare = async (file: string): Promise<Served> => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': SIZE })
    createReadStream(file).pipe(response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { port: (server.address() as AddressInfo).port, path: '/', token: '' }
}

async function* pieces(total: number): AsyncGenerator<Uint8Array> {
  const piece = randomBytes(64 * 1024)
  for (let sent = 0; sent < total; sent += piece.length) yield piece
}

const serveOurs = async (): Promise<Served> => {
  const server = await startTestServer({ settings: { media: { max_upload_size: '200M' } } })
  const { accessToken: token } = await server.register('alice')
  const upload = async (body: Uint8Array | ReadableStream): Promise<string> => {
    const response = await fetch(`${server.url}/_matrix/media/v3/upload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      body,
      duplex: 'half',
    } as RequestInit)
    return ((await response.json()) as { content_uri: string }).content_uri.slice('mxc://'.length)
  }
  const name = await upload(randomBytes(SIZE))
  process.on('message', async () => {
    globalThis.gc?.()
    const before = process.memoryUsage().rss
    let peak = before
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss)
    }, 20)
    await upload(ReadableStream.from(pieces(UPLOAD)))
    clearInterval(watch)
    process.send?.({ grown: peak - before })
  })
  return { port: Number(new URL(server.url).port), path: `/_matrix/client/v1/media/download/${name}`, token }
}

const download = ({ port, path, token }: Served): Promise<void> =>
  new Promise((resolve, reject) => {
    let received = 0
    const socket = connect(port, '127.0.0.1')
    socket.on('data', chunk => {
      received += chunk.length
    })
    socket.on('end', () => (received < SIZE ? reject(new Error(`${path}: ${received} bytes`)) : resolve()))
    socket.on('error', reject)
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    )
  })

const child = (what: string, ...more: string[]): ChildProcess =>
  fork(fileURLToPath(import.meta.url), [what, ...more], { execArgv: ['--expose-gc'] })

const [, , role, file = ''] = process.argv
if (role !== undefined) {
  process.send?.(role === 'bare' ? await serveBare(file) : await serveOurs())
} else {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-bench-'))
  const path = join(directory, 'file')
  writeFileSync(path, randomBytes(SIZE))
  const children = { bare: child('bare', path), ours: child('ours') }
  const served = {
    bare: ((await once(children.bare, 'message')) as [Served])[0],
    ours: ((await once(children.ours, 'message')) as [Served])[0],
  }
  const spent = { bare: 0, ours: 0 }
  for (let round = -2; round < ROUNDS; round++) {
    for (const who of ['bare', 'ours'] as const) {
      const started = performance.now()
      await Promise.all(Array.from({ length: AT_ONCE }, () => download(served[who])))
      if (round >= 0) spent[who] += performance.now() - started
    }
  }
  const rate = (ms: number): string => `${Math.round((ROUNDS * AT_ONCE * SIZE) / ms / 1_000)} MB/s`
  console.log(`bare file server: ${rate(spent.bare)}, ours: ${rate(spent.ours)}`)
  console.log(`ratio: ${(spent.bare / spent.ours).toFixed(2)}`)
  children.ours.send('upload')
  const [{ grown }] = (await once(children.ours, 'message')) as [{ grown: number }]
  console.log(
    `memory grows by ${(grown / 1024 / 1024).toFixed(1)} MB while 100 MB are uploaded (client included)`,
  )
  for (const each of Object.values(children)) each.kill()
  rmSync(directory, { recursive: true, force: true })
}
