/** The one place where pictures are decoded: by libvips, in threads of its own, with all but usual formats switched off. */
import type { Metadata, Sharp, SharpOptions } from 'sharp'
import { BoundedPool } from '../accounts/bounded-pool.ts'
import { isAnimatedPng } from './apng.ts'
import { type Size, type ThumbnailSpec, thumbnailSize } from './thumbnail-sizes.ts'
import { isPlainWebp } from './webp.ts'

export type Picture =
  | { readonly kind: 'made'; readonly bytes: Uint8Array; readonly contentType: string }
  /** The picture is no larger than what was asked for: it is its own thumbnail. */
  | { readonly kind: 'original'; readonly contentType: string }

/** The file is no picture of a format that is read here, or a broken one. */
export class NoPicture extends Error {
  override readonly name = 'NoPicture'
}

/** The picture has more pixels than are decoded here. */
export class TooManyPixels extends Error {
  override readonly name = 'TooManyPixels'
}

/** Formats that come from many hands and are fuzzed by many; SVG, TIFF, PDF and the like stay off. */
const LOADERS = [
  'VipsForeignLoadJpeg',
  'VipsForeignLoadPng',
  'VipsForeignLoadWebp',
  'VipsForeignLoadNsgif',
  'VipsForeignLoadHeif',
]

/** Thumbnails with more pixels are not taken apart here to see whether anything shines through. */
const MAX_PIXELS_IN_HAND = 2_000_000

/** What is decoded as a whole, and not row by row, has so many times fewer pixels at most: each takes up to five bytes of memory. */
const WHOLE_SHARE = 2

/** Of those with more pixels than this, one at a time. */
const SMALL_WHOLE = 4_000_000
const wholePictures = new BoundedPool(1, Number.POSITIVE_INFINITY)

/** For one picture; seconds. */
const TIME_LIMIT = 30

/** "image/jpeg, image/png, image/apng, image/gif, image/webp" are what a thumbnail may be. */
const SERVED: Readonly<Record<string, string>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
}

type Open = (path: string, options: SharpOptions) => Sharp

let loading: Promise<Open> | undefined

/** Loaded when the first picture comes: a server that meets none starts without it. */
const load = (): Promise<Open> => {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.block({ operation: ['VipsForeignLoad'] })
    sharp.unblock({ operation: LOADERS })
    // One thread for each picture, and nothing kept: the same one is not decoded twice.
    sharp.concurrency(1)
    sharp.cache(false)
    return sharp
  })
  return loading
}

const failure = (error: unknown): Error =>
  error instanceof TooManyPixels || (error instanceof Error && /pixel limit/.test(error.message))
    ? new TooManyPixels('the picture has too many pixels', { cause: error })
    : new NoPicture('not a picture that can be read', { cause: error })

/** The size as it is seen: turned as EXIF says, one frame of an animation. */
const sizeOf = (metadata: Metadata): Size => {
  const { width, height } = metadata.autoOrient
  return { width, height: metadata.pageHeight ?? height }
}

/** Whether libvips reads AVIF; HEIC, under the same name, is not for it to judge by. */
const isReadable = ({ format, compression }: Metadata): boolean => format !== 'heif' || compression === 'av1'

/**
 * Whether all of a picture is held in memory while it is decoded: its first row may be the last to come, frames lie on each other, or
 * the decoder is made like that.
 */
const isHeldWhole = async ({ format, isProgressive, pages = 1 }: Metadata, path: string): Promise<boolean> =>
  isProgressive ||
  ['gif', 'heif'].includes(format) ||
  pages > 1 ||
  (format === 'webp' && !(await isPlainWebp(path)))

/** What a picture is, and how large. @throws {NoPicture} {TooManyPixels} */
export const inspectPicture = async (
  path: string,
  maxPixels: number,
): Promise<Size & { readonly contentType: string }> => {
  const open = await load()
  try {
    const metadata = await open(path, { limitInputPixels: maxPixels, failOn: 'none' }).metadata()
    if (!isReadable(metadata)) throw new Error('no AV1')
    return { ...sizeOf(metadata), contentType: SERVED[metadata.format] ?? 'image/avif' }
  } catch (error) {
    throw failure(error)
  }
}

/**
 * Makes a thumbnail.
 *
 * @param maxPixels of the picture, or half as many where it cannot be decoded row by row; of an animation, all frames together: beyond
 *   that its first is taken.
 * @throws {NoPicture} {TooManyPixels}
 */
export const makeThumbnail = async (
  path: string,
  spec: ThumbnailSpec,
  maxPixels: number,
): Promise<Picture> => {
  const open = await load()
  try {
    const still = await open(path, { limitInputPixels: maxPixels, failOn: 'none' }).metadata()
    if (!isReadable(still)) throw new Error('no AV1')
    const frames = still.pages ?? 1
    const isAnimated = frames > 1 && spec.animated && frames * still.width * still.height <= maxPixels
    const size = thumbnailSize(sizeOf(still), spec)
    const served = SERVED[still.format]
    if (size === undefined && served !== undefined) {
      // "When `false`, the server MUST NOT return an animated thumbnail."
      const moves = frames > 1 ? !isAnimated : !spec.animated && (await isAnimatedPng(path))
      if (!moves) return { kind: 'original', contentType: served }
    }
    const isWhole = await isHeldWhole(still, path)
    if (isWhole && still.width * still.height * WHOLE_SHARE > maxPixels)
      throw new TooManyPixels('the picture has too many pixels for what is not decoded row by row')
    const image = open(path, {
      limitInputPixels: maxPixels,
      // What has come of one that was cut off is shown, as browsers show it.
      failOn: 'none',
      animated: isAnimated,
      autoOrient: true,
    })
    const sized =
      size === undefined ? image : image.resize({ ...size, fit: spec.method === 'crop' ? 'cover' : 'fill' })
    const draw = () =>
      encode(sized.timeout({ seconds: TIME_LIMIT }), isAnimated, still.hasAlpha, size ?? sizeOf(still))
    const { data, contentType } = await (isWhole && still.width * still.height > SMALL_WHOLE
      ? wholePictures.run(draw)
      : draw())
    return { kind: 'made', bytes: data, contentType }
  } catch (error) {
    throw failure(error)
  }
}

/**
 * Without any metadata of the original. What stands still is `image/png` or `image/jpeg`: the other types carry "the bytes for the
 * *animated* thumbnail". "Servers SHOULD prefer to return `image/webp` … when supporting animation."
 */
const encode = async (
  image: Sharp,
  isAnimated: boolean,
  hasAlpha: boolean,
  { width: across, height: down }: Size,
): Promise<{ data: Uint8Array; contentType: string }> => {
  if (isAnimated)
    return { data: await image.webp({ quality: 80, effort: 3 }).toBuffer(), contentType: 'image/webp' }
  if (!hasAlpha) return { data: await asJpeg(image), contentType: 'image/jpeg' }
  if (across * down > MAX_PIXELS_IN_HAND)
    return { data: await image.png().toBuffer(), contentType: 'image/png' }
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
  const { default: sharp } = await import('sharp')
  // Not what else is said of them: the colours are as they were, whatever it says of opacity having been multiplied in.
  const { width, height, channels } = info
  const still = sharp(data, { raw: { width, height, channels } })
  // Screenshots have a layer of transparency that they make no use of, and are much smaller as JPEG.
  return isOpaque(data, channels)
    ? { data: await asJpeg(still), contentType: 'image/jpeg' }
    : { data: await still.png().toBuffer(), contentType: 'image/png' }
}

const asJpeg = (image: Sharp): Promise<Uint8Array> => image.jpeg({ quality: 82, mozjpeg: false }).toBuffer()

/** Whether nothing shines through pixels whose last byte is their opacity. */
const isOpaque = (pixels: Uint8Array, channels: number): boolean => {
  for (let at = channels - 1; at < pixels.length; at += channels) if (pixels[at] !== 255) return false
  return true
}

/** Draws pixels of red, green and blue as a square PNG. */
export const drawPixels = async (rgb: Uint8Array, side: number, size: number): Promise<Uint8Array> => {
  const { default: sharp } = await import('sharp')
  const image = sharp(rgb, { raw: { width: side, height: side, channels: 3 } })
  return image.resize(size, size, { kernel: 'nearest' }).png().toBuffer()
}
