import type { StreamToken, SyncStream } from '../../core/stream-token.ts'
import type { SyncSource } from './sync-source.ts'

export type StreamEnds = Partial<Record<SyncStream, number | undefined>>

/** The sources that share a stream. */
export interface OfStream {
  readonly stream: SyncStream
  readonly sources: readonly SyncSource[]
}

/**
 * Where the streams of sources stand, never before what the client was told already, and what else its token says. Sources that
 * share a stream go as far as the last of them.
 */
export const streamEnds = (byStream: readonly OfStream[], since: StreamToken | undefined): StreamEnds => {
  const ends: StreamEnds = { ...since }
  for (const { stream, sources } of byStream) {
    let end = Number.MAX_SAFE_INTEGER
    for (const source of sources) end = Math.min(end, source.position())
    ends[stream] = Math.max(end, since?.[stream] ?? 0)
  }
  return ends
}

/** A token without what it says of streams that are kept in memory alone and now begin before it, since the clock was set back. */
export const remembered = (sources: readonly SyncSource[], since: StreamToken): StreamToken => {
  let token: StreamEnds = since
  for (const { stream, remembered: positionOf } of sources) {
    const told = since[stream]
    const known = told === undefined ? undefined : positionOf?.(told)
    if (known !== undefined && known !== told) token = { ...token, [stream]: known }
  }
  return token
}
