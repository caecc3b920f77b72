import test from 'ava'
import { pushGateway } from './push-gateway.ts'

test('a gateway is sent so much at a time, and others do not wait for it', async t => {
  const open = new Map<string, (() => void)[]>()
  const gateway = pushGateway({
    request: ({ target }) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      open.set(target.hostHeader, [...(open.get(target.hostHeader) ?? []), resolve])
      return promise.then(() => ({ status: 200, headers: {}, body: Buffer.from('{}') }))
    },
    close: async () => undefined,
  })
  const { signal } = new AbortController()
  const notify = (host: string) => gateway.notify(`https://${host}/_matrix/push/v1/notify`, {}, signal)
  const all = Promise.all(Array.from({ length: 100 }, () => notify('busy.test')))
  const other = notify('other.test')
  const busy = () => open.get('busy.test') ?? []
  const most: number[] = []
  open.get('other.test')?.forEach(answer => void answer())
  await other
  for (let answered = 0; answered < 100; ) {
    most.push(busy().length - answered)
    const round = busy().slice(answered)
    answered += round.length
    for (const answer of round) answer()
    await new Promise(setImmediate)
  }
  t.is((await all).length, 100)
  t.is(Math.max(...most), 24)
})
