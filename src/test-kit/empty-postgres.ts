import type { ExecutionContext } from 'ava'

/** Another database of the same server, without any table, for as long as the test takes. */
export const emptyPostgres = async (t: Pick<ExecutionContext, 'teardown'>, url: string) => {
  const { default: pg } = await import('pg')
  const client = new pg.Client(url)
  await client.connect()
  const name = `empty_${Date.now()}_${Math.floor(Math.random() * 1e6)}`
  await client.query(`CREATE DATABASE ${name}`)
  t.teardown(async () => {
    await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
    await client.end()
  })
  const target = new URL(url)
  target.pathname = `/${name}`
  return { kind: 'postgres', url: target.href } as const
}
