/** What the two endpoints that take files have in common. */
import type { RequestFacts } from '../http/endpoint.ts'
import type { Upload } from '../services/media/uploads.ts'

/** A request as an upload. A body whose length is not declared is measured while it comes. */
export const uploadOf = (call: {
  readonly body: AsyncIterable<Uint8Array>
  readonly query: { readonly filename?: string }
  readonly request: Pick<RequestFacts, 'headers'>
}): Upload => {
  const { 'content-length': length, 'content-type': contentType } = call.request.headers
  return {
    content: call.body,
    contentType,
    fileName: call.query.filename,
    ...(length === undefined ? {} : { contentLength: Number(length) }),
  }
}
