import { createHash } from 'node:crypto'

/** Cells on each side. The left half is mirrored, so that it looks like something. */
const CELLS = 5

/** A picture made of an ID: the same on every server, and told apart at a glance. */
export interface StockIcon {
  /** Rows from the top, cells from the left: whether they are filled. */
  readonly rows: readonly (readonly boolean[])[]
  /** Red, green, blue; 0 to 255. */
  readonly foreground: readonly [number, number, number]
  readonly background: readonly [number, number, number]
}

/**
 * The icon of a room or user without a picture. Its first hash bytes say which cells are filled, the next two the hue.
 * Never to be changed: other servers draw the same.
 */
export const stockIcon = (id: string): StockIcon => {
  const hash = createHash('sha256').update(`chat.tessera.icon\0${id}`).digest()
  const half = Math.ceil(CELLS / 2)
  const rows = Array.from({ length: CELLS }, (_row, y) =>
    Array.from({ length: CELLS }, (_cell, x) => {
      const column = x < half ? x : CELLS - 1 - x
      return ((hash[y * half + column] ?? 0) & 1) === 1
    }),
  )
  const hue = hash.readUInt16BE(CELLS * half) / 65_536
  return { rows, foreground: fromHsl(hue, 0.55, 0.45), background: fromHsl(hue, 0.4, 0.92) }
}

const fromHsl = (hue: number, saturation: number, lightness: number): [number, number, number] => {
  const reach = saturation * Math.min(lightness, 1 - lightness)
  const channel = (offset: number): number => {
    const turn = (offset + hue * 12) % 12
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(turn - 3, 9 - turn, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}

/** One empty cell around. */
const SIDE = CELLS + 2

/** As a vector picture. */
export const iconSvg = ({ rows, foreground, background }: StockIcon): string => {
  const colour = (rgb: readonly number[]): string =>
    `#${rgb.map(channel => channel.toString(16).padStart(2, '0')).join('')}`
  const cells = rows.flatMap((row, y) =>
    row.flatMap((isFilled, x) => (isFilled ? [`M${x + 1} ${y + 1}h1v1h-1z`] : [])),
  )
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}" shape-rendering="crispEdges">` +
    `<path fill="${colour(background)}" d="M0 0h${SIDE}v${SIDE}H0z"/>` +
    `<path fill="${colour(foreground)}" d="${cells.join('')}"/></svg>`
  )
}

/** As rows of red, green and blue, one pixel for each cell. */
export const iconPixels = ({
  rows,
  foreground,
  background,
}: StockIcon): { readonly side: number; readonly rgb: Uint8Array } => ({
  side: SIDE,
  rgb: Uint8Array.from(
    Array.from({ length: SIDE * SIDE }, (_pixel, at) => {
      const [x, y] = [(at % SIDE) - 1, Math.floor(at / SIDE) - 1]
      return rows[y]?.[x] === true ? foreground : background
    }).flat(),
  ),
})
