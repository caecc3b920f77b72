/** Sizes of thumbnails (client-server API, "Thumbnails"). In pixels. */

export interface Size {
  readonly width: number
  readonly height: number
}

export type ThumbnailMethod = 'crop' | 'scale'

/** How a thumbnail is made. */
export interface ThumbnailSpec extends Size {
  readonly method: ThumbnailMethod
  readonly animated: boolean
}

/** "Servers SHOULD produce thumbnails with the following dimensions and methods" */
const CROPPED: readonly number[] = [32, 96]
const SCALED: readonly Size[] = [
  { width: 320, height: 240 },
  { width: 640, height: 480 },
  { width: 800, height: 600 },
]

/** Beyond those, sizes that are scaled to go up in steps, so that there are not too many. */
const STEP = 160
const LARGEST = 65_535

const stepped = (length: number): number => Math.min(LARGEST, Math.ceil(length / STEP) * STEP)

/** What is made for a request: the same method, and nothing smaller. */
export const specFor = ({ width, height, method, animated }: ThumbnailSpec): ThumbnailSpec => {
  if (method === 'scale') {
    const size = SCALED.find(each => each.width >= width && each.height >= height)
    return { ...(size ?? { width: stepped(width), height: stepped(height) }), method, animated }
  }
  const square = width === height ? CROPPED.find(length => length >= width) : undefined
  return {
    width: square ?? Math.min(LARGEST, width),
    height: square ?? Math.min(LARGEST, height),
    method,
    animated,
  }
}

/** By this name a thumbnail is found again. */
export const specName = ({ method, width, height, animated }: ThumbnailSpec): string =>
  `${method}-${width}x${height}${animated ? '-animated' : ''}`

/**
 * The size of the thumbnail of a picture; `undefined` where the picture is no larger than that. "Servers MUST NOT
 * upscale thumbnails under any circumstance."
 *
 * "scale" keeps the aspect ratio, so that one of the sides is as long as was asked for and the other no longer; "crop"
 * has the size that was asked for, as far as the picture reaches.
 */
export const thumbnailSize = (picture: Size, { width, height, method }: ThumbnailSpec): Size | undefined => {
  const ratios = [width / picture.width, height / picture.height]
  if (Math.min(...ratios) >= 1) return undefined
  if (method === 'scale') {
    const whole = (length: number): number => Math.max(1, Math.round(length))
    const factor = Math.min(...ratios)
    return { width: whole(picture.width * factor), height: whole(picture.height * factor) }
  }
  // "MUST NOT return a smaller thumbnail than requested, unless the original content makes that impossible."
  return { width: Math.min(picture.width, width), height: Math.min(picture.height, height) }
}
