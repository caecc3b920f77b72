import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

/** A reply is a few lines; some calendars add descriptions and time zones. */
const MAX_BYTES = 65_536

export const replyToInvitation = endpoint(
  'replyToInvitation',
  async ({ requester, path, body }, { invitations }) => {
    await invitations.replies.take(requester, path.roomId, await textOf(body))
    return {}
  },
)

const textOf = async (body: AsyncIterable<Uint8Array>): Promise<string> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_BYTES) throw new MatrixError('M_TOO_LARGE', `The body is larger than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
