import { type FileHandle, open } from 'node:fs/promises'
import { bytesAt } from './bytes-at.ts'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** A chunk around its data: length, type, checksum. Bytes. */
const AROUND = 12

/** What honest encoders write before the picture is far less. */
const MAX_CHUNKS = 100

/**
 * Whether a file is a PNG with several frames, which decoders that know none take for a picture that stands still: "the
 * `acTL` chunk … must appear before the first `IDAT` chunk" (PNG, third edition, 11.3.6.1).
 */
export const isAnimatedPng = async (path: string): Promise<boolean> => {
  const file = await open(path)
  try {
    return await hasFrames(file)
  } finally {
    await file.close()
  }
}

const hasFrames = async (file: FileHandle): Promise<boolean> => {
  if (!(await bytesAt(file, 0, SIGNATURE.length)).equals(SIGNATURE)) return false
  let at = SIGNATURE.length
  for (let count = 0; count < MAX_CHUNKS; count++) {
    // Length and type, and of `acTL` the number of frames.
    const start = await bytesAt(file, at, 12)
    const type = start.toString('latin1', 4, 8)
    if (start.length < 12 || type === 'IDAT') return false
    if (type === 'acTL') return start.readUInt32BE(8) > 1
    at += AROUND + start.readUInt32BE(0)
  }
  return false
}
