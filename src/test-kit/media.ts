/** A server whose people upload files. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { DatabaseConfig } from '../storage/open.ts'
import { FakeClock } from './fake-clock.ts'
import { type RunningTestServer, startTestServer, type TestAccount } from './server.ts'
import { temporaryDirectory } from './temporary-directory.ts'

interface MediaWorld {
  readonly server: RunningTestServer
  readonly alice: TestAccount
  readonly bob: TestAccount
  readonly clock: FakeClock
  /** How many files the store holds. */
  stored(): number
}

/** A server on a clock of its own, with settings of media beside a limit of 1 MB for each file, and two people. */
export const mediaWorld = async (
  t: ExecutionContext,
  database: DatabaseConfig,
  media: object = {},
): Promise<MediaWorld> => {
  const clock = new FakeClock()
  const directory = join(temporaryDirectory(t), 'media')
  const settings = { media: { directory, max_upload_size: '1M', ...media } }
  const server = await startTestServer({ database, clock, settings })
  t.teardown(server.close)
  const [alice, bob] = await Promise.all([server.register('alice'), server.register('bob')])
  const stored = () => {
    try {
      return readdirSync(directory, { recursive: true, withFileTypes: true }).filter(each => each.isFile())
        .length
    } catch {
      return 0
    }
  }
  return { server, alice, bob, clock, stored }
}

/** Uploads a file; answers the response, with the media ID. */
export const upload = async (
  { server }: MediaWorld,
  { accessToken: token }: TestAccount,
  body: string | Uint8Array,
  type?: string,
  query = '',
) => {
  const headers = type === undefined ? {} : { 'content-type': type }
  const answer = await server.request('POST', `/_matrix/media/v3/upload${query}`, { token, body, headers })
  const uri = (answer.body as { content_uri?: string }).content_uri
  const id = uri?.slice('mxc://localhost/'.length) ?? ''
  return { ...answer, id }
}

/** Where clients get files. */
export const CLIENT = '/_matrix/client/v1/media'
