import { open } from 'node:fs/promises'
import { bytesAt } from './bytes-at.ts'

/** `RIFF`, the size of the file, `WEBP`. Bytes. */
const HEADER = 12
/** Before the data of a chunk: type and length. Bytes. */
const BEFORE = 8

/** Of what comes before the picture there is one each: `VP8X`, `ICCP`, `ANIM`; and what decoders pass over. */
const MAX_CHUNKS = 100

/**
 * Whether a WebP that stands still is decoded row by row: it is lossy, and nothing shines through (WebP container specification, "Bitstream
 * (VP8/VP8L)": "VP8 " is lossy, "VP8L" lossless; "Alpha": "ALPH" comes before the lossy picture, and is lossless itself).
 */
export const isPlainWebp = async (path: string): Promise<boolean> => {
  const file = await open(path)
  try {
    let at = HEADER
    for (let count = 0; count < MAX_CHUNKS; count++) {
      const start = await bytesAt(file, at, BEFORE)
      if (start.length < BEFORE) return false
      const type = start.toString('latin1', 0, 4)
      if (type === 'VP8 ') return true
      if (type === 'VP8L' || type === 'ALPH') return false
      const length = start.readUInt32LE(4)
      // "Chunk Size … If … odd, a single padding byte … is added."
      at += BEFORE + length + (length % 2)
    }
    return false
  } finally {
    await file.close()
  }
}
