import type { SynapseSource } from './source.ts'

/** What grows as soon as somebody does anything. */
const GROWING = [
  ['events', 'stream_ordering'],
  ['access_tokens', 'id'],
  ['device_inbox', 'stream_id'],
  ['device_lists_stream', 'stream_id'],
  ['account_data', 'stream_id'],
  ['room_account_data', 'stream_id'],
  ['receipts_linearized', 'stream_id'],
  ['presence_stream', 'stream_id'],
] as const

/** How far a Synapse has come: it stays the same as long as nobody uses it. */
export const fingerprint = async (source: SynapseSource): Promise<string> => {
  const ends: number[] = []
  for (const [table, column] of GROWING) {
    if (!source.has(table, column)) continue
    const row = await source.get<{ end: number | null }>(`SELECT max(${column}) AS "end" FROM ${table}`)
    ends.push(Number(row?.end ?? 0))
  }
  return ends.join('.')
}
