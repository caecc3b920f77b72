import { canonicalJson } from '../core/canonical-json.ts'
import type { JsonObject, JsonValue } from '../core/json.ts'
import type { SigningKey } from '../core/signing.ts'

/** What the signature of a request covers (server-server API, "Request Authentication"). */
export interface RequestParts {
  readonly method: string
  /** Path and query as they are sent, percent-encoding included. */
  readonly uri: string
  /** Server names from before any delegation. Old servers leave `destination` out of their header, but sign it all the same. */
  readonly origin: string
  readonly destination: string
}

/**
 * The object that is signed for a request, to sign it or to verify its signature.
 *
 * @param parts.content the parsed body; leave it out where the request has none.
 */
export const signedRequestObject = (parts: RequestParts & { readonly content?: JsonValue }): JsonObject => {
  const { method, uri, origin, destination, content } = parts
  return {
    method,
    uri,
    origin,
    destination,
    ...(content === undefined ? {} : { content }),
  }
}

/**
 * The canonical bytes of that object, from a body that is canonical JSON already: a transaction for many
 * destinations is serialised once. Its members stand in canonical order.
 */
export const signedRequestBytes = (parts: RequestParts, canonicalContent?: string): Uint8Array => {
  const { method, uri, origin, destination } = parts
  const members = [
    ...(canonicalContent === undefined ? [] : [`"content":${canonicalContent}`]),
    `"destination":${canonicalJson(destination)}`,
    `"method":${canonicalJson(method)}`,
    `"origin":${canonicalJson(origin)}`,
    `"uri":${canonicalJson(uri)}`,
  ]
  return Buffer.from(`{${members.join(',')}}`)
}

/**
 * The value of the `Authorization` header of a request. For older servers: one space, lower-case names, no
 * backslashes, no white space around the commas.
 */
export const authorizationHeader = (
  parts: RequestParts,
  key: SigningKey,
  canonicalContent?: string,
): string => {
  const signature = key.sign(signedRequestBytes(parts, canonicalContent))
  const { origin, destination } = parts
  return `X-Matrix origin="${origin}",destination="${destination}",key="${key.keyId}",sig="${signature}"`
}
