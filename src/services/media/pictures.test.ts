import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import sharp from 'sharp'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { makeThumbnail, NoPicture, TooManyPixels } from './pictures.ts'

const SPEC = { width: 32, height: 32, method: 'scale', animated: false } as const

test('a picture that is decoded as a whole may have half as many pixels', async t => {
  const directory = temporaryDirectory(t)
  const side = 100
  const picture = sharp({ create: { width: side, height: side, channels: 3, background: '#08f' } })
  const files = {
    'rows.png': picture.clone().png(),
    'rows.jpg': picture.clone().jpeg(),
    'interlaced.png': picture.clone().png({ progressive: true }),
    'progressive.jpg': picture.clone().jpeg({ progressive: true }),
    'canvas.gif': picture.clone().gif(),
    'rows.webp': picture.clone().webp().withMetadata({ orientation: 6 }),
    'lossless.webp': picture.clone().webp({ lossless: true }),
    'lossless-after-all.webp': picture.clone().webp({ lossless: true }).withMetadata({ orientation: 6 }),
    'shining.webp': picture.clone().ensureAlpha(0.5).webp(),
  }
  for (const [name, file] of Object.entries(files)) {
    const path = join(directory, name)
    await file.toFile(path)
    const isWhole = !name.startsWith('rows')
    const made = makeThumbnail(path, SPEC, side * side)
    if (isWhole) await t.throwsAsync(made, { instanceOf: TooManyPixels }, name)
    else t.is((await made).kind, 'made', name)
    t.is((await makeThumbnail(path, SPEC, 2 * side * side)).kind, 'made', name)
    // What is small enough is handed out as it is.
    t.is((await makeThumbnail(path, { ...SPEC, width: side, height: side }, side * side)).kind, 'original')
  }
})

test('of a picture that was cut off there is a thumbnail of what has come', async t => {
  const directory = temporaryDirectory(t)
  const side = 200
  const noise = Buffer.from(Array.from({ length: side * side * 3 }, (_, at) => (at * 7_919) >> 3))
  const picture = sharp(noise, { raw: { width: side, height: side, channels: 3 } })
  for (const [name, file] of Object.entries({
    'photo.jpg': picture.clone().jpeg(),
    'screenshot.png': picture.clone().png(),
    'sticker.gif': picture.clone().gif(),
  })) {
    const whole = await file.toBuffer()
    const path = join(directory, name)
    writeFileSync(path, whole.subarray(0, Math.floor(whole.length * 0.7)))
    t.is((await makeThumbnail(path, SPEC, 10 * side * side)).kind, 'made', name)
    writeFileSync(path, whole.subarray(0, 10))
    await t.throwsAsync(makeThumbnail(path, SPEC, 10 * side * side), { instanceOf: NoPicture }, name)
  }
})
