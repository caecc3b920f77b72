/** client-server API, "Web Browser Clients": recommended on all responses, errors included. */
export const CORS_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers': 'X-Requested-With, Content-Type, Authorization',
  // Without it a script in a browser cannot read how long to wait after a 429.
  'Access-Control-Expose-Headers': 'Retry-After',
} as const

/** The texts of MSC4108's rendezvous are guarded by ETags; the headers that the specification recommends for everything do not know them. */
export const ETAG_CORS_HEADERS = {
  'Access-Control-Allow-Headers': `${CORS_HEADERS['Access-Control-Allow-Headers']}, If-Match, If-None-Match`,
  'Access-Control-Expose-Headers': `${CORS_HEADERS['Access-Control-Expose-Headers']}, ETag`,
} as const

/** A pre-flight's answer may be remembered for a day; it is the same for nearly every path. */
const PREFLIGHT_HEADERS = { ...CORS_HEADERS, 'Access-Control-Max-Age': '86400' } as const
const ETAG_PREFLIGHT_HEADERS = { ...PREFLIGHT_HEADERS, ...ETAG_CORS_HEADERS } as const

/** The headers that answer a pre-flight of a request target. */
export const preflightHeaders = (uri: string): Readonly<Record<string, string>> =>
  uri.startsWith('/_matrix/client/unstable/org.matrix.msc4108/') ? ETAG_PREFLIGHT_HEADERS : PREFLIGHT_HEADERS
