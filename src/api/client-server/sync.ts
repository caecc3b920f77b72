import { endpoint, reply } from '../../http/endpoint.ts'
import { WHOLE_SYNC } from '../whole-sync.ts'

export const sync = endpoint('sync', async ({ requester, query, request, limit }, services) => {
  const { since } = query
  const fullState = query.full_state === true
  if (services.sync.tellsMuch({ since, fullState })) limit('sync', WHOLE_SYNC - 1)
  const ended = services.presence.syncing(requester, query.set_presence)
  try {
    // Whoever comes online by this is told so by it, and not once more by the next one, which would not wait for news then.
    await services.presence.idle(requester.userId)
    const text = await services.sync.sync(
      requester,
      {
        filter: query.filter,
        since,
        fullState,
        timeoutMs: query.timeout ?? 0,
        stateAfter: query.use_state_after
          ? 'state_after'
          : query['org.matrix.msc4222.use_state_after'] === true && 'org.matrix.msc4222.state_after',
      },
      request.departure,
    )
    return reply({ body: text })
  } finally {
    ended()
  }
})
