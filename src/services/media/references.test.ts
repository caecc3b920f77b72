import { randomBytes } from 'node:crypto'
import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { silentLog } from '../../core/log.ts'
import { filesNamedIn, filesOf } from '../../core/media-references.ts'
import { AccountDataWriter } from '../../storage/accounts/account-data.ts'
import { ProfileReader, ProfileWriter } from '../../storage/accounts/profiles.ts'
import type { Database } from '../../storage/database.ts'
import { DirectoryStore } from '../../storage/media/directory-store.ts'
import { chunksOf } from '../../test-kit/blob-stores.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { createMedia } from './index.ts'

const DAY = 86_400_000
const [ALICE, BOB] = ['@alice:here.test', '@bob:here.test']

test('the files of a message are found wherever they are named', t => {
  const content = {
    url: 'mxc://a.test/one',
    file: { url: 'mxc://a.test/two' },
    info: { thumbnail_url: 'mxc://a.test/three', thumbnail_file: { url: 'mxc://a.test/one' } },
  }
  const ids = (type: string, content: JsonObject) => filesOf({ type, content }).map(file => file.mediaId)
  t.deepEqual(ids('m.room.message', content), ['one', 'two', 'three'])
  t.deepEqual(ids('m.sticker', { url: 'mxc://a.test/cat', info: 'nonsense' }), ['cat'])
  t.deepEqual(
    ids('m.room.message', { url: 'https://a.test/x', file: 7, info: { thumbnail_url: ['mxc://a.test/x'] } }),
    [],
  )
  t.deepEqual(ids('m.room.encrypted', content), [])
  const html =
    '<img src=\\"mxc://a.test/in_line\\"> mxc://a.test/one, mxc://a.test/one mxc://nothing mxc:///x'
  const named = filesNamedIn(`{"body":"${html}","images":{"cat":{"url":"mxc://b.test:8448/cat"}}}`)
  t.deepEqual(
    named.map(file => file.mediaId),
    ['in_line', 'one', 'cat'],
  )
})

/** What Alice keeps for herself: packs of stickers in her account data, further fields in her profile. */
const ownData = async (database: Database, { emotes, fields }: Record<'emotes' | 'fields', JsonObject>) => {
  const [data, profiles] = [new AccountDataWriter(database), new ProfileWriter(database)]
  const before = { displayname: 'alice', avatarUrl: undefined, fields: {}, position: 0, changes: new Map() }
  await database.commit({
    statements: [
      data.set(ALICE, '', 'im.ponies.user_emotes', JSON.stringify(emotes)),
      profiles.insert(ALICE, 'alice'),
    ],
  })
  const { position } = (await new ProfileReader(database).byUser(ALICE)) ?? before
  const after = { ...before, fields, position }
  await database.commit({ statements: [profiles.update(ALICE, { ...before, position }, after)] })
}

testDatabases(
  test,
  'files go some time after their messages are redacted, and only then',
  async (t, database) => {
    const { core, rooms, clock } = await testRooms(database)
    const media = createMedia({
      database,
      blobs: new DirectoryStore(temporaryDirectory(t), () => clock.now()),
      clock,
      log: silentLog,
      serverName: 'here.test',
      options: {
        maxUploadSize: 1_000,
        maxRemoteSize: 1_000,
        maxPendingUploads: 5,
        pendingLifetime: DAY,
        remoteLifetime: 1000 * DAY,
        remoteCacheSize: 100_000,
        redactedLifetime: 7 * DAY,
        localLifetime: 365 * DAY,
        legacyEndpoints: false,
        maxThumbnailPixels: 1_000_000,
      },
      random: randomBytes,
      previews: { enabled: false, maxPageSize: 0, maxImageSize: 0, lifetime: 0 },
      pages: {
        mayVisit: () => false,
        get: () => Promise.reject(new Error('no pages here')),
        close: async () => {},
      },
      fetchMedia: (_origin, mediaId, _options, consume) =>
        consume({ contentType: undefined, contentDisposition: undefined, body: chunksOf(mediaId) }),
    })
    t.teardown(() => media.close())
    const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { preset: 'public_chat' }), {
      isDirect: false,
    })
    await rooms.memberships.join({ userId: BOB, roomId, via: [] })
    let count = 0
    const show = async (userId: string, url: string): Promise<string> => {
      const content = { msgtype: 'm.image', body: 'picture', url }
      const message = { roomId, type: 'm.room.message', txnId: `${++count}`, content }
      return (await rooms.sending.message(requesterOf(userId), message)).eventId
    }
    const redact = (userId: string, eventId: string) =>
      rooms.sending.redaction(requesterOf(userId), {
        roomId,
        redacts: eventId,
        txnId: `${++count}`,
        reason: undefined,
      })
    const upload = (text: string) => media.uploads.upload(ALICE, { content: chunksOf(text) })
    const isThere = async (uri: string): Promise<boolean> => {
      const [origin = '', mediaId = ''] = uri.slice('mxc://'.length).split('/')
      return media.downloads.find({ origin, mediaId, timeoutMs: 0, allowRemote: false }).then(
        () => true,
        () => false,
      )
    }
    const [gone, twice, borrowed, kept] = [
      await upload('a'),
      await upload('b'),
      await upload('c'),
      await upload('d'),
    ]
    await media.downloads.find({ origin: 'there.test', mediaId: 'copy' })
    const copy = 'mxc://there.test/copy'
    const messages = [await show(ALICE, gone), await show(ALICE, twice), await show(BOB, copy)]
    const second = await show(ALICE, twice)
    const theft = await show(BOB, borrowed)
    const last = await show(ALICE, kept)
    for (const eventId of messages) await redact(ALICE, eventId)
    await redact(BOB, theft)
    await clock.advance(6 * DAY)
    t.deepEqual(await media.retention.purgeRedacted(), { files: 0, bytes: 0 })
    await clock.advance(2 * DAY)
    t.deepEqual(await media.retention.purgeRedacted(), { files: 2, bytes: 5 })
    t.deepEqual(await Promise.all([gone, copy, twice, borrowed, kept].map(isThere)), [
      false,
      false,
      true,
      true,
      true,
    ])
    await redact(ALICE, second)
    await clock.advance(8 * DAY)
    t.deepEqual(await media.retention.purgeRedacted(), { files: 1, bytes: 1 })
    t.false(await isThere(twice), 'nothing shows it any more')

    // A sticker that is taken back is still in its pack, a picture in the profile, in a text, in a reaction.
    const used = await Promise.all(['1', '2', '3', '4', '5', '6'].map(upload))
    const [pack = '', emote = '', banner = '', inline = '', face = '', stray = ''] = used
    const state = (type: string, content: JsonObject, stateKey = '') =>
      rooms.sending.state(requesterOf(ALICE), { roomId, type, stateKey, content })
    await state('im.ponies.room_emotes', { images: { cat: { url: pack } } })
    await state('m.room.member', { membership: 'join', avatar_url: face }, ALICE)
    const html = { msgtype: 'm.text', body: 'x', formatted_body: `<img src="${inline}">` }
    const text = { roomId, type: 'm.room.message', txnId: 'html', content: html }
    await rooms.sending.message(requesterOf(ALICE), text)
    await ownData(database, { emotes: { images: { dog: { url: emote } } }, fields: { 'a.banner': banner } })
    for (const url of used) await redact(ALICE, await show(ALICE, url))
    await clock.advance(8 * DAY)
    t.deepEqual(await media.retention.purgeRedacted(), { files: 1, bytes: 1 })
    t.deepEqual(
      await Promise.all(used.map(isThere)),
      used.map(url => url !== stray),
    )

    // What was forwarded into an encrypted room is looked at there, be it soon after somebody has looked at it here.
    const forwarded = await upload('forwarded')
    const message = await show(ALICE, forwarded)
    t.true(await isThere(forwarded))
    await redact(ALICE, message)
    await clock.advance(60_000)
    t.true(await isThere(forwarded))
    await clock.advance(8 * DAY)
    t.deepEqual(await media.retention.purgeRedacted(), { files: 0, bytes: 0 })
    t.true(await isThere(forwarded))

    // What removing the room does.
    const stored = await core.context.read.events.byId(last)
    const statements = core.context.write.files.releaseOf([stored?.nid ?? 0], clock.now())
    await database.commit({ statements })
    await clock.advance(8 * DAY)
    t.deepEqual(await media.retention.purgeRedacted(), { files: 1, bytes: 1 })
    t.false(await isThere(kept))
    t.true(await isThere(borrowed))

    // By age goes what messages alone name.
    await clock.advance(365 * DAY)
    t.like(await media.retention.purge(), { files: 3 })
    t.deepEqual(await Promise.all(used.map(isThere)), [true, true, true, false, true, false])
    await state('im.ponies.room_emotes', { images: {} })
    t.like(await media.retention.purge(), { files: 1 }, 'a pack that is no more')
  },
)
