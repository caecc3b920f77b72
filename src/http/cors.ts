/** client-server API, "Web Browser Clients": recommended on all responses, errors included. */
export const CORS_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers': 'X-Requested-With, Content-Type, Authorization',
  // Without it a script in a browser cannot read how long to wait after a 429.
  'Access-Control-Expose-Headers': 'Retry-After',
} as const

/** A pre-flight's answer may be remembered for a day; it is the same for every path. */
export const PREFLIGHT_HEADERS = { ...CORS_HEADERS, 'Access-Control-Max-Age': '86400' } as const
