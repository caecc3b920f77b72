import { endpoint, reply } from '../../http/endpoint.ts'

async function* inList(body: AsyncIterable<string>): AsyncGenerator<string, void> {
  yield '[200,'
  yield* body
  yield ']'
}

/** As version 2, in a list after its status; version 1 knows of no answer that leaves members out. */
export const sendJoinV1 = endpoint('sendJoinV1', async ({ origin, path, body, limit }, { federation }) => {
  const handedIn = { ...path, event: body, omitMembers: false }
  const answer = await federation.handshakes.sendJoin(origin, handedIn, units =>
    limit('federation-state', units),
  )
  return reply({ body: typeof answer === 'string' ? `[200,${answer}]` : inList(answer) })
})
