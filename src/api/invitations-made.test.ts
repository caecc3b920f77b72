import test from 'ava'
import { MatrixError } from '../core/errors.ts'
import type { Endpoint, UntypedCall } from '../http/endpoint.ts'
import type { Services } from '../services/index.ts'
import { operations } from '../spec/operations.ts'
import { createRoom } from './client-server/createRoom.ts'
import { setRoomStateWithKey } from './client-server/setRoomStateWithKey.ts'
import { extendDirectRoom } from './tessera/extendDirectRoom.ts'
import { scheduleDelayedEvent } from './tessera/scheduleDelayedEvent.ts'

const MEMBER = { membership: 'invite' }

test('whatever way people are invited, it is limited as inviting is, before anything is done', async t => {
  /** What a call counts as, if it is not let pass. */
  const countOf = async ({ handle }: Endpoint, call: { path?: object; query?: object; body?: object }) => {
    let counted: unknown
    const limit: UntypedCall['limit'] = (...count) => {
      counted = count
      throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many')
    }
    const whole = { ...{ path: {}, query: {}, body: {} }, ...call, limit } as unknown as UntypedCall
    await t.throwsAsync(handle(whole, {} as Services), { message: 'Too many' })
    return counted
  }
  for (const id of ['inviteUser', 'openDirectRoom'] as const) t.is(operations[id].rateLimit, 'invite')
  const state = { roomId: '!r', eventType: 'm.room.member', stateKey: '@b:b.test' }
  t.deepEqual(await countOf(setRoomStateWithKey, { path: state, body: MEMBER }), ['invite', 1])
  t.deepEqual(
    await countOf(setRoomStateWithKey, {
      ...{ path: state, body: MEMBER, query: { 'org.matrix.msc4140.delay': 5 } },
    }),
    ['invite', 1],
  )
  const delayed = { state_key: '@b:b.test', content: MEMBER, delay_ms: 5 }
  t.deepEqual(
    await countOf(scheduleDelayedEvent, {
      path: { roomId: '!r', eventType: 'm.room.member' },
      body: delayed,
    }),
    ['invite', 1],
  )
  const address = { medium: 'email', address: 'c@c.test' }
  t.deepEqual(
    await countOf(createRoom, { body: { invite: ['@b:b.test', '@d:d.test'], invite_3pid: [address] } }),
    ['invite', 3],
  )
  t.deepEqual(await countOf(extendDirectRoom, { body: { invite: ['@c:c.test'] } }), ['invite', 2])
})
