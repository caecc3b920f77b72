/**
 * Base64 as Matrix writes it: unpadded (appendices, "Unpadded Base64").
 */

const ALPHABETS = /^[A-Za-z0-9+/_-]*={0,2}$/

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Drops the `=` at the end of padded base64. */
export const unpad = (base64: string): string => {
  let end = base64.length
  while (end > 0 && base64.charCodeAt(end - 1) === 0x3d) end--
  return end === base64.length ? base64 : base64.slice(0, end)
}

/** Bytes → unpadded base64 of the standard alphabet (`+` and `/`). */
export const encodeBase64 = (bytes: Uint8Array): string => unpad(asBuffer(bytes).toString('base64'))

/**
 * Base64 → bytes, or `undefined` where the text is not base64.
 *
 * Padding may be there or not ("SHOULD accept input with or without padding"), and both alphabets are read.
 * Bits left over in the last character may be set: the appendices' own test seed has some.
 */
export const decodeBase64 = (text: string): Uint8Array | undefined => {
  if (!ALPHABETS.test(text)) return undefined
  const body = unpad(text)
  // One character left over carries six bits: not a byte.
  if (body.length % 4 === 1) return undefined
  return Buffer.from(body, 'base64')
}
