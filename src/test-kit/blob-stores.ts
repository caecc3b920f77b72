/** What every store of files has to keep to, whatever it is made of. */
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { ExecutionContext, TestFn } from 'ava'
import { BlobMissing, type BlobStore, BlobTooLarge } from '../storage/media/blob-store.ts'
import { FakeClock } from './fake-clock.ts'

export interface StoreUnderTest {
  readonly store: BlobStore
  /** The bytes it takes up; what is half-written counts. */
  used(): Promise<number>
}

export async function* chunksOf(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

const LIMIT = 1_000_000

/** Declares the tests of one kind of store. */
export const testBlobStore = (
  test: TestFn,
  name: string,
  make: (t: ExecutionContext, now: () => number) => Promise<StoreUnderTest>,
): void => {
  const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')

  test(`${name}: what is stored is found again, whole and in parts`, async t => {
    const { store } = await make(t, () => 0)
    const blob = await store.put(chunksOf('hello', ' ', 'world'), LIMIT)
    t.deepEqual(blob, { hash: sha256('hello world'), size: 11 })
    t.is((await buffer(await store.open(blob.hash))).toString(), 'hello world')
    t.is((await buffer(await store.open(blob.hash, { start: 4, end: 6 }))).toString(), 'o w')
    t.is(await store.withFile(blob.hash, path => readFile(path, 'utf8')), 'hello world')
    const empty = await store.put(chunksOf(), LIMIT)
    t.is(empty.size, 0)
    t.is((await buffer(await store.open(empty.hash))).length, 0)
    const large = randomBytes(800_000)
    const { hash } = await store.put(chunksOf(large.subarray(0, 1), large.subarray(1)), LIMIT)
    t.true(large.equals(await buffer(await store.open(hash))))
  })

  test(`${name}: equal files are stored once, also when they come at the same time`, async t => {
    const { store, used } = await make(t, () => 0)
    const blobs = await Promise.all(Array.from({ length: 8 }, () => store.put(chunksOf('abc', 'def'), LIMIT)))
    t.is(new Set(blobs.map(({ hash }) => hash)).size, 1)
    t.is(await used(), 6)
  })

  test(`${name}: what breaks off or is too large leaves nothing behind`, async t => {
    const { store, used } = await make(t, () => 0)
    await t.throwsAsync(store.put(chunksOf('abc', 'd'), 3), { instanceOf: BlobTooLarge })
    const broken = async function* () {
      yield Buffer.from('abc')
      throw new Error('gone')
    }
    await t.throwsAsync(store.put(broken(), LIMIT), { message: 'gone' })
    t.is(await used(), 0)
    await t.throwsAsync(store.open(sha256('abc')), { instanceOf: BlobMissing })
    await t.throwsAsync(
      store.withFile(sha256('abc'), async () => {}),
      { instanceOf: BlobMissing },
    )
  })

  test(`${name}: removing spares what was stored lately, also what was stored again`, async t => {
    const clock = new FakeClock()
    const { store, used } = await make(t, () => clock.now())
    const { hash } = await store.put(chunksOf('abc'), LIMIT)
    await clock.advance(10_000)
    await store.put(chunksOf('abc'), LIMIT)
    t.false(await store.remove(hash, clock.now() - 5_000))
    t.is((await buffer(await store.open(hash))).toString(), 'abc')
    await clock.advance(10_000)
    t.true(await store.remove(hash, clock.now() - 5_000))
    t.true(await store.remove(hash, clock.now()), 'gone is gone')
    t.is(await used(), 0)
  })

  test(`${name}: nothing but a hash leads to a file`, async t => {
    const { store } = await make(t, () => 0)
    for (const bad of ['../../etc/passwd', '', 'AB'.repeat(32), `${'a'.repeat(63)}/`]) {
      await t.throwsAsync(async () => store.open(bad), { instanceOf: TypeError })
      await t.throwsAsync(async () => store.remove(bad, 0), { instanceOf: TypeError })
    }
  })
}
