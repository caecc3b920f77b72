/** A Node.js process that was started with `--inspect`, seen from outside. */
export interface Inspected {
  /** Collects all garbage of the main thread. */
  collectGarbage(): Promise<void>
  /** Bytes in use on the heap of the main thread, and of the whole process in memory. */
  memory(): Promise<{ heapBytes: number; residentBytes: number }>
  close(): void
}

/** Connects to the inspector that listens on a port of this machine. @throws Error when none answers */
export async function inspect(port: number): Promise<Inspected> {
  const response = await fetch(`http://127.0.0.1:${port}/json/list`)
  const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[]
  if (target === undefined) throw new Error('the process cannot be inspected')
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  await new Promise((opened, failed) => {
    socket.onopen = opened
    socket.onerror = failed
  })
  const waiting = new Map<number, (result: unknown) => void>()
  let count = 0
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown }
    if (id !== undefined) waiting.get(id)?.(result)
  }
  const ask = (method: string, params: object = {}): Promise<unknown> => {
    const id = ++count
    socket.send(JSON.stringify({ id, method, params }))
    return new Promise(done =>
      waiting.set(id, result => {
        waiting.delete(id)
        done(result)
      }),
    )
  }
  return {
    collectGarbage: async () => {
      // What finalizers let go of in one round is collected in the next.
      for (let round = 0; round < 3; round++) await ask('HeapProfiler.collectGarbage')
    },
    memory: async () => {
      const expression = 'const m = process.memoryUsage(); JSON.stringify([m.heapUsed, m.rss])'
      const answer = await ask('Runtime.evaluate', {
        expression: `(() => { ${expression.replace('JSON', 'return JSON')} })()`,
      })
      const { result } = answer as { result: { value: string } }
      const [heapBytes = Number.NaN, residentBytes = Number.NaN] = JSON.parse(result.value) as number[]
      return { heapBytes, residentBytes }
    },
    close: () => socket.close(),
  }
}
