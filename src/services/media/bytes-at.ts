import type { FileHandle } from 'node:fs/promises'

/** So many bytes of a file from a place on; fewer where it ends. */
export const bytesAt = async (file: FileHandle, position: number, length: number): Promise<Buffer> => {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}
