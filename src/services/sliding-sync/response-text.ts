import type { ToldRoom } from './told-room.ts'

/** A response as JSON text, of the texts of its parts. */
export const responseText = (parts: {
  pos: string
  txnId: string | undefined
  counts: ReadonlyMap<string, number>
  rooms: ReadonlyMap<string, ToldRoom>
  extensions: ReadonlyMap<string, string>
}): string => {
  const lists = [...parts.counts].map(([name, count]) => `${JSON.stringify(name)}:{"count":${count}}`)
  const rooms = [...parts.rooms].map(([roomId, { text }]) => `${JSON.stringify(roomId)}:${text}`)
  const extensions = [...parts.extensions].map(([name, text]) => `${JSON.stringify(name)}:${text}`)
  return `{${[
    `"pos":"${parts.pos}"`,
    ...(parts.txnId === undefined ? [] : [`"txn_id":${JSON.stringify(parts.txnId)}`]),
    `"lists":{${lists.join(',')}}`,
    `"rooms":{${rooms.join(',')}}`,
    `"extensions":{${extensions.join(',')}}`,
  ].join(',')}}`
}
