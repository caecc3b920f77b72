import { createHash } from 'node:crypto'
import { parseMxc } from '../../core/media.ts'
import { BoundedPool } from '../accounts/bounded-pool.ts'
import { drawPixels } from './pictures.ts'
import { iconPixels, iconSvg, stockIcon } from './stock-icon.ts'

export interface DrawnIcon {
  readonly body: string | Uint8Array
  readonly contentType: string
  readonly etag: string
}

/** Pictures of rooms and users (`chat.tessera`). */
export class Icons {
  readonly #pool = new BoundedPool(2, 200)

  /** Where the thumbnail of an avatar is; `undefined` where the avatar is none. */
  thumbnailPath(avatarUrl: string | undefined, size: number): string | undefined {
    const mxc = avatarUrl === undefined ? undefined : parseMxc(avatarUrl)
    if (mxc === undefined) return undefined
    const file = `${encodeURIComponent(mxc.origin)}/${mxc.mediaId}`
    return `/_matrix/client/v1/media/thumbnail/${file}?width=${size}&height=${size}&method=crop`
  }

  /** The stock icon of an ID: SVG, or a PNG of that size. */
  async draw(id: string, size?: number): Promise<DrawnIcon> {
    const icon = stockIcon(id)
    const hash = createHash('sha256').update(`${size}\0${id}`).digest('base64url').slice(0, 22)
    const etag = `"${hash}"`
    if (size === undefined) return { body: iconSvg(icon), contentType: 'image/svg+xml', etag }
    const { rgb, side } = iconPixels(icon)
    return { body: await this.#pool.run(() => drawPixels(rgb, side, size)), contentType: 'image/png', etag }
  }
}
