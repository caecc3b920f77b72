/** How files are handled; sizes in bytes, durations in milliseconds. */
export interface MediaOptions {
  readonly maxUploadSize: number
  readonly maxRemoteSize: number
  /** What one user's uploads may come to; `undefined`: any amount. */
  readonly userQuota?: number | undefined
  /** What one user's uploads may come to within a time, by each of these. */
  readonly uploadLimits?: readonly { readonly within: number; readonly size: number }[] | undefined
  /** How many files a user may have announced and not uploaded. */
  readonly maxPendingUploads: number
  readonly pendingLifetime: number
  readonly remoteLifetime: number
  /** What all copies of other servers' files may come to. */
  readonly remoteCacheSize: number
  /** Uploads older than this are deleted; `undefined`: they are kept. */
  readonly localLifetime?: number | undefined
  /** Files of redacted messages are deleted so long after the redaction; `undefined`: they are kept. */
  readonly redactedLifetime?: number | undefined
  /** Whether files can be had without an access token. */
  readonly legacyEndpoints: boolean
  /** Otherwise, those that were stored before this instant can. Milliseconds since 1970. */
  readonly legacyBefore?: number | undefined
  /** Files that can be had so in any case, as `mxc:` URIs. */
  readonly alwaysLegacy?: readonly string[] | undefined
  /** The largest picture that thumbnails are made of, in pixels. */
  readonly maxThumbnailPixels: number
  /** Patterns (globs) of servers whose files are not wanted here. */
  readonly denyServers?: readonly string[] | undefined
}
