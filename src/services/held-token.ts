import { importedDeviceLists, importedPosition } from '../core/imported-token.ts'
import { parseStreamToken, type StreamToken } from '../core/stream-token.ts'
import type { Reader } from '../storage/database.ts'

/** What tells whether data was imported from Synapse. */
export type ImportedFrom = Pick<Reader, 'position'>

/**
 * Reads a token that a client holds; `undefined` if it is not one of this server. One of Synapse is, where its data was imported: it says where the streams
 * of events and of device lists stood, and of nothing else that it was followed.
 */
export const heldToken = (text: string, from: ImportedFrom): StreamToken | undefined => {
  const ours = parseStreamToken(text)
  if (ours !== undefined || from.position('imported') === 0) return ours
  const events = importedPosition(text)
  return events === undefined ? undefined : { events, device_lists: importedDeviceLists(text) }
}
