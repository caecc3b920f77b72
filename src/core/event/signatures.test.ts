import test from 'ava'
import { allVersions, pduOf, versionOf } from '../../test-kit/pdus.ts'
import type { JsonObject } from '../json.ts'
import { parsePdu } from './format.ts'
import { requiredSigners } from './signatures.ts'

test('who must sign', t => {
  const signers = (id: string, change: JsonObject) => {
    const parsed = parsePdu(pduOf(versionOf(id), change), versionOf(id))
    return 'event' in parsed ? requiredSigners(parsed.event) : parsed.refusal
  }
  const member = (content: JsonObject): JsonObject => ({
    type: 'm.room.member',
    state_key: '@bob:b.org',
    content,
  })
  const invite = member({ membership: 'invite', third_party_invite: { signed: {} } })
  const restricted = member({ membership: 'join', join_authorised_via_users_server: '@carol:c.org:8448' })
  const same = member({ membership: 'join', join_authorised_via_users_server: '@carol:example.org' })
  const odd = member({ membership: 'join', join_authorised_via_users_server: 5 })
  for (const { id, signatures } of allVersions) {
    t.deepEqual(signers(id, {}), ['example.org'])
    const early = id === '1' || id === '2'
    t.deepEqual(signers(id, invite), early ? ['example.org'] : [])
    if (early) {
      t.deepEqual(signers(id, { event_id: '$1:e.org' }), ['example.org', 'e.org'])
      t.deepEqual(signers(id, { ...invite, event_id: '$1:e.org' }), ['e.org'])
    }
    t.deepEqual(signers(id, member({ membership: 'invite' })), ['example.org'])
    t.deepEqual(signers(id, member({ membership: 'join', third_party_invite: {} })), ['example.org'])
    const authorised = signatures.restrictedJoinServer
    t.deepEqual(signers(id, restricted), authorised ? ['example.org', 'c.org:8448'] : ['example.org'])
    t.deepEqual(signers(id, same), ['example.org'])
    t.deepEqual(signers(id, odd), authorised ? ['example.org', ''] : ['example.org'])
    t.deepEqual(signers(id, { ...restricted, type: 'm.room.message' }), ['example.org'])
  }
})
