import test from 'ava'
import { contentHash, signedText } from '../../../core/hashes.ts'
import type { JsonObject } from '../../../core/json.ts'
import { withSignature } from '../../../core/signing.ts'
import { stateEvent } from '../../../test-kit/outbound.ts'
import { versionOf } from '../../../test-kit/pdus.ts'
import { BOB, makeRoom, THERE, world } from '../../../test-kit/remote-room.ts'

test('state that refers to more events than is allowed now belongs to the room: it is from before that rule', async t => {
  const w = await world(t)
  const roomId = await makeRoom(w, { preset: 'public_chat', topic: 'Tea' })
  const { sendJoin } = w.client
  const { signingKey } = w.there.core
  /** The topic as a server would have sent it that had never heard of forty ends of the room. */
  const aged = (pdu: JsonObject): JsonObject => {
    if (pdu['type'] !== 'm.room.topic') return pdu
    const { hashes: _, signatures: __, ...rest } = pdu
    const prev_events = Array.from({ length: 40 }, (_, index) => `$${String(index).padStart(43, 'e')}`)
    const old = { ...rest, prev_events }
    const hashed = { ...old, hashes: { sha256: contentHash(old) } }
    const signature = signingKey.sign(Buffer.from(signedText(hashed, versionOf('12'))))
    return withSignature(hashed, THERE, signingKey.keyId, signature)
  }
  Object.assign(w.client, {
    sendJoin: async (...call: Parameters<typeof sendJoin>) => {
      const answer = await sendJoin(...call)
      return { ...answer, state: answer.state.map(aged), authChain: answer.authChain.map(aged) }
    },
  })
  await w.here.rooms.memberships.join({ userId: BOB, roomId, via: [THERE] })
  const topic = await stateEvent(w.here, roomId, 'm.room.topic')
  t.is(topic?.prevEvents.length, 40)
})
