/** A real S3 store on this machine, for tests. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import S3rver from 's3rver'
import { temporaryDirectory } from './temporary-directory.ts'

export const S3_KEY = { accessKey: 'S3RVER', secretKey: 'S3RVER', region: 'us-east-1' }

/** Starts a store with one bucket; `used` answers what its objects come to in bytes. */
export const startS3 = async (
  t: ExecutionContext,
): Promise<{ endpoint: string; bucket: string; used(): Promise<number> }> => {
  const directory = temporaryDirectory(t)
  const bucket = 'media'
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: bucket }],
  })
  const { port } = await server.run()
  t.teardown(() => server.close())
  const used = async (): Promise<number> => {
    const files = await readdir(join(directory, bucket), { recursive: true, withFileTypes: true })
    const objects = files.filter(each => each.isFile() && each.name.endsWith('._S3rver_object'))
    const sizes = await Promise.all(
      objects.map(async each => (await stat(join(each.parentPath, each.name))).size),
    )
    return sizes.reduce((sum, size) => sum + size, 0)
  }
  return { endpoint: `http://127.0.0.1:${port}`, bucket, used }
}
