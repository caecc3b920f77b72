import sharp from 'sharp'
import { both, expect, type Play, pair, type Scenario, serverOf } from './interop-parts.ts'
import type { PlainClient } from './plain-client.ts'

const MEDIA = '/_matrix/client/v1/media'

/** Uploads a file; answers where others find it. */
const upload = async (
  who: PlainClient,
  name: string,
  contentType: string,
  bytes: Uint8Array<ArrayBuffer>,
) => {
  const path = `/_matrix/media/v3/upload?filename=${encodeURIComponent(name)}`
  const answer = await who.transfer('POST', path, { contentType, bytes })
  const { content_uri: uri } = JSON.parse(Buffer.from(answer.bytes).toString()) as { content_uri: string }
  return uri.slice('mxc://'.length)
}

/** A file and a picture of one server, seen from the other: whole, and as a thumbnail. */
const files: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const text = new Uint8Array(Buffer.from('as it was, byte by byte \0 é'))
  const note = await upload(host, 'a note.txt', 'text/plain', text)
  const got = await guest.transfer('GET', `${MEDIA}/download/${note}`)
  expect('the file', Buffer.from(got.bytes).toString('hex'), Buffer.from(text).toString('hex'))
  expect('its type', got.contentType.split(';', 1)[0], 'text/plain')
  const paper = { width: 300, height: 200, channels: 3, background: 'teal' } as const
  const png = await sharp({ create: paper }).png().toBuffer()
  const picture = await upload(host, 'teal.png', 'image/png', new Uint8Array(png))
  const thumbnail = await guest.transfer(
    'GET',
    `${MEDIA}/thumbnail/${picture}?width=96&height=96&method=crop`,
  )
  const { width = 0, height = 0 } = await sharp(thumbnail.bytes).metadata()
  expect('a thumbnail of some size', width >= 96 && height >= 96 && width < 300, true)
  const missing = await guest.transfer('GET', `${MEDIA}/download/${serverOf(host)}/nothing`).then(
    () => 'there',
    (error: Error) => /M_NOT_FOUND/.exec(error.message)?.[0] ?? error.message,
  )
  expect('what does not exist', missing, 'M_NOT_FOUND')
}

const names: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const note = await upload(host, 'a note.txt', 'text/plain', new Uint8Array(Buffer.from('a note')))
  const got = await guest.transfer('GET', `${MEDIA}/download/${note}`)
  expect('its name', /a(?: |%20)note\.txt/.test(got.disposition ?? ''), true)
}

/** Files over federation. */
export const mediaScenarios: readonly [string, Scenario][] = [
  ...both('files and thumbnails are seen', files),
  ...both('files keep their names', names),
]
