/** The EDU by which a request for attention, its withdrawal, or the wish to come back reaches another server; others ignore it. */
export const DIRECT_REQUEST_EDU = 'chat.tessera.direct_request'
