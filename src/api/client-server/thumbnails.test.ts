import { crc32 } from 'node:zlib'
import test from 'ava'
import sharp, { type Sharp } from 'sharp'
import { testDatabases } from '../../test-kit/database.ts'
import { startTestServer } from '../../test-kit/server.ts'

const picture = (width: number, height: number, alpha = 1): Sharp =>
  sharp({
    create: { width, height, channels: alpha === 1 ? 3 : 4, background: { r: 200, g: 20, b: 90, alpha } },
  })

/** Three frames that differ. */
const animation = (width: number, height: number): Promise<Buffer> => {
  const frames = [0, 100, 200].map(level => Buffer.alloc(width * height * 3, level))
  const raw = { width, height: height * 3, channels: 3, pageHeight: height } as const
  return sharp(Buffer.concat(frames), { raw })
    .gif({ delay: [50, 50, 50] })
    .toBuffer()
}

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}

/** A few bytes that say they are a PNG of so many pixels. */
const bomb = (width: number, height: number): Buffer => {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  const parts = [chunk('IHDR', header), chunk('IDAT', Buffer.alloc(20)), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([signature, ...parts])
}

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"><script>alert(1)</script></svg>'

testDatabases(test, 'thumbnails of pictures, and of nothing else', async (t, _, config) => {
  const server = await startTestServer({
    database: config,
    settings: { media: { max_thumbnail_pixels: 4_000_000 } },
  })
  t.teardown(server.close)
  const { accessToken: token } = await server.register('alice')
  const upload = async (body: Uint8Array | string, type = 'image/jpeg'): Promise<string> => {
    const headers = { 'content-type': type }
    const answer = await server.request('POST', '/_matrix/media/v3/upload', { token, body, headers })
    return (answer.body as { content_uri: string }).content_uri.slice('mxc://'.length)
  }
  const get = async (file: string, query: string) => {
    const answer = await server.request('GET', `/_matrix/client/v1/media/thumbnail/${file}?${query}`, {
      token,
    })
    if (answer.status !== 200) return `${answer.status} ${(answer.body as { errcode: string }).errcode}`
    const { width, height, pages = 1 } = await sharp(answer.bytes, { animated: true }).metadata()
    return {
      type: answer.headers['content-type'],
      width,
      height,
      pages,
      headers: answer.headers,
      bytes: answer.bytes,
    }
  }
  const scale = 'width=300&height=200&method=scale'

  const photo = await upload(await picture(1000, 500).withMetadata({ orientation: 6 }).jpeg().toBuffer())
  const scaled = await get(photo, scale)
  t.like(scaled, { type: 'image/jpeg', width: 120, height: 240 }, 'turned as the camera was')
  t.like(scaled, {
    headers: {
      'content-disposition': 'inline; filename="thumbnail.jpeg"',
      'cross-origin-resource-policy': 'cross-origin',
    },
  })
  t.like(await get(photo, 'width=90&height=90&method=crop'), { width: 96, height: 96 })
  t.like(await get(photo, 'width=300&height=100&method=crop'), { width: 300, height: 100 })
  t.like(await get(photo, 'width=300&height=200'), { width: 120, height: 240 })
  const many = await Promise.all(Array.from({ length: 10 }, () => get(photo, 'width=700&height=500')))
  for (const each of many) t.like(each, { height: 600 })

  const clear = await upload(await picture(700, 700, 0.5).png().toBuffer(), 'image/png')
  const through = await get(clear, scale)
  t.like(through, { type: 'image/png', width: 240, height: 240 })
  const pixels = typeof through === 'object' ? await sharp(through.bytes).raw().toBuffer() : []
  const deviations = [200, 20, 90, 128].map((level, channel) => Math.abs((pixels[channel] ?? 0) - level))
  t.true(Math.max(...deviations) <= 2, 'the colour and opacity that it had')
  const screenshot = await upload(await picture(700, 700).ensureAlpha().png().toBuffer(), 'image/png')
  t.like(await get(screenshot, scale), { type: 'image/jpeg', width: 240 }, 'nothing shines through')
  const wall = await upload(await picture(1900, 1200).ensureAlpha().png().toBuffer(), 'image/png')
  const cropped = await get(wall, 'width=1890&height=1190&method=crop')
  t.like(cropped, { type: 'image/png', width: 1890 }, 'too large to be looked through')
  const small = await picture(40, 30).png().toBuffer()
  const original = await get(await upload(small, 'text/html'), 'width=96&height=96&method=crop')
  t.like(original, { type: 'image/png', width: 40, height: 30 })
  t.true(typeof original === 'object' && original.bytes.equals(small), 'as it was')
  const avif = await upload(await picture(400, 400).avif({ effort: 0 }).toBuffer(), 'image/avif')
  t.like(await get(avif, scale), { type: 'image/jpeg', width: 240, height: 240 })

  const moving = await upload(await animation(400, 400), 'image/gif')
  t.like(await get(moving, scale), { type: 'image/jpeg', pages: 1, width: 240 })
  t.like(await get(moving, `${scale}&animated=false`), { pages: 1 })
  t.like(await get(moving, `${scale}&animated=true`), { type: 'image/webp', pages: 3, width: 240 })
  const movingIcon = await upload(await animation(20, 20), 'image/gif')
  t.like(await get(movingIcon, scale), { pages: 1, width: 20 }, 'small, but not to be animated')
  t.like(await get(movingIcon, `${scale}&animated=true`), { type: 'image/gif', pages: 3 })
  t.like(await get(photo, `${scale}&animated=true`), { type: 'image/jpeg' })
  // Read as a picture that stands still by libvips: 33 bytes are its signature and `IHDR`.
  const control = chunk('acTL', Buffer.from([0, 0, 0, 2, 0, 0, 0, 0]))
  const apng = Buffer.concat([small.subarray(0, 33), control, small.subarray(33)])
  const movingPng = await upload(apng, 'image/apng')
  const still = await get(movingPng, scale)
  t.like(still, { width: 40, pages: 1 })
  t.false(typeof still === 'object' && still.bytes.includes('acTL'))
  const asItWas = await get(movingPng, `${scale}&animated=true`)
  t.true(typeof asItWas === 'object' && asItWas.bytes.equals(apng))

  const whole = await picture(500, 500).jpeg().toBuffer()
  const cases: [Uint8Array | string, string, string][] = [
    [SVG, 'image/svg+xml', '400 M_UNKNOWN'],
    [SVG, 'image/png', '400 M_UNKNOWN'],
    ['just text', 'image/jpeg', '400 M_UNKNOWN'],
    ['', 'image/jpeg', '400 M_UNKNOWN'],
    [whole.subarray(0, 100), 'image/jpeg', '400 M_UNKNOWN'],
    [await picture(500, 500).tiff().toBuffer(), 'image/tiff', '400 M_UNKNOWN'],
    [bomb(60_000, 60_000), 'image/png', '413 M_TOO_LARGE'],
    [await picture(3_000, 2_000).png().toBuffer(), 'image/png', '413 M_TOO_LARGE'],
  ]
  for (const [body, type, expected] of cases) t.is(await get(await upload(body, type), scale), expected, type)
  t.is(await get('localhost/unknown', scale), '404 M_NOT_FOUND')
  for (const bad of [
    'width=0&height=9',
    'width=-1&height=9',
    'width=a&height=9',
    'width=9&height=9&method=stretch',
  ])
    t.is(await get(photo, bad), '400 M_INVALID_PARAM', bad)
  t.is(await get(photo, 'width=9'), '400 M_MISSING_PARAM')
  const legacy = await server.request('GET', `/_matrix/media/v3/thumbnail/${photo}?${scale}`)
  t.is(legacy.status, 404, 'frozen')
})
