/** A section of a session description that is in use. */
export interface MediaSection {
  readonly kind: 'audio' | 'video'
  /** Whether whoever says this wants to send. */
  readonly sends: boolean
  /** The streams to which its track belongs (RFC 8830). */
  readonly streamIds: readonly string[]
}

/**
 * The audio and video sections of a session description (RFC 8866) that are neither disabled (port 0, unless they share
 * the transport of another: RFC 8843, "bundle-only") nor inactive.
 */
export const mediaSections = (sdp: string): MediaSection[] => {
  const [session = [], ...sections] = splitSections(sdp.split(/\r\n|\n|\r/))
  const common = directionOf(session)
  return sections.flatMap(lines => {
    const [, kind, port] = /^m=(audio|video) (\d+)/.exec(lines[0] ?? '') ?? []
    if (kind !== 'audio' && kind !== 'video') return []
    if (Number(port) === 0 && !lines.includes('a=bundle-only')) return []
    const direction = directionOf(lines) ?? common ?? 'sendrecv'
    if (direction === 'inactive') return []
    const streamIds = lines.flatMap(line => /^a=msid:(\S+)/.exec(line)?.[1] ?? []).filter(id => id !== '-')
    return [{ kind, sends: direction !== 'recvonly', streamIds }]
  })
}

/** What stands before the first `m=` line, and then each from its own on. */
const splitSections = (lines: readonly string[]): string[][] => {
  const sections: string[][] = [[]]
  for (const line of lines) {
    if (line.startsWith('m=')) sections.push([])
    sections.at(-1)?.push(line)
  }
  return sections
}

const directionOf = (lines: readonly string[]): string | undefined =>
  lines.map(line => /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/.exec(line)?.[1]).find(Boolean)
