import type { ExecutionContext } from 'ava'
import { EventType, Preset } from 'matrix-js-sdk'
import { type SdkUser, startSdkUser } from '../src/test-kit/js-sdk.ts'
import { megolm, password } from './js-sdk-people.ts'

/** A homeserver as the scenario needs it: any will do. */
export interface Homeserver {
  readonly baseUrl: string
  /** Makes an account. */
  register(username: string, password: string): Promise<void>
}

/** What two people do on one server. */
export type Conversation = (t: ExecutionContext, alice: SdkUser, bob: SdkUser) => Promise<void>

/** Two people meet on one server and have conversations: what matrix-js-sdk asks of a homeserver daily. */
export async function twoPeopleTalk(
  t: ExecutionContext,
  server: Homeserver,
  conversations: readonly Conversation[] = [talkInClear, talkEncrypted],
): Promise<void> {
  await server.register('alice', password)
  await server.register('bob', password)
  const alice = await startSdkUser(server.baseUrl, 'alice', password)
  const bob = await startSdkUser(server.baseUrl, 'bob', password)
  try {
    for (const converse of conversations) await converse(t, alice, bob)
  } finally {
    await Promise.all([alice.stop(), bob.stop()])
  }
}

export async function talkInClear(t: ExecutionContext, alice: SdkUser, bob: SdkUser): Promise<void> {
  const { room_id: roomId } = await alice.client.createRoom({
    preset: Preset.PrivateChat,
    room_alias_name: 'garden',
    name: 'The garden',
    topic: 'What grows',
  })
  const alias = `#garden:${alice.client.getDomain()}`
  t.is((await bob.client.getRoomIdForAlias(alias)).room_id, roomId)
  await inviteAndJoin(t, roomId, alice, bob, 'come and see')

  const room = await bob.until('the joined room', client => client.getRoom(roomId) ?? undefined)
  t.is(room.name, 'The garden')
  t.is(room.getCanonicalAlias(), alias)
  t.is(room.currentState.getStateEvents(EventType.RoomTopic, '')?.getContent()['topic'], 'What grows')
  await alice.membership(roomId, 'join', bob.userId)

  await sayBothWays(t, roomId, alice, bob, EventType.RoomMessage)
  await leave(t, roomId, alice, bob)
}

export async function talkEncrypted(t: ExecutionContext, alice: SdkUser, bob: SdkUser): Promise<void> {
  const { room_id: roomId } = await alice.client.createRoom({
    preset: Preset.PrivateChat,
    name: 'The cellar',
    initial_state: [{ type: EventType.RoomEncryption, state_key: '', content: { algorithm: megolm } }],
  })
  await inviteAndJoin(t, roomId, alice, bob, 'bring no light')
  await alice.membership(roomId, 'join', bob.userId)
  for (const user of [alice, bob]) {
    await user.until('the state of the encrypted room', client =>
      client.getRoom(roomId)?.hasEncryptionStateEvent() ? true : undefined,
    )
  }
  await sayBothWays(t, roomId, alice, bob, EventType.RoomMessageEncrypted)
  await leave(t, roomId, alice, bob)
}

/** Alice invites, Bob sees by whom and why, and accepts. */
export async function inviteAndJoin(
  t: ExecutionContext,
  roomId: string,
  alice: SdkUser,
  bob: SdkUser,
  reason: string,
): Promise<void> {
  await alice.client.invite(roomId, bob.userId, { reason })
  await bob.membership(roomId, 'invite')
  const invitation = bob.client.getRoom(roomId)?.getMember(bob.userId)?.events.member
  t.is(invitation?.getSender(), alice.userId)
  t.is(invitation?.getContent()['reason'], reason)
  await bob.client.joinRoom(roomId)
  await bob.membership(roomId, 'join')
}

/** Each says something that the other gets by sync; `wireType` is what the server sees of it. */
export async function sayBothWays(
  t: ExecutionContext,
  roomId: string,
  alice: SdkUser,
  bob: SdkUser,
  wireType: string,
): Promise<void> {
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    const text = `${from.userId} greets ${to.userId}`
    const { event_id: eventId } = await from.client.sendTextMessage(roomId, text)
    const received = await to.message(roomId, text)
    t.is(received.getId(), eventId)
    t.is(received.getSender(), from.userId)
    t.is(received.getType(), EventType.RoomMessage)
    t.is(received.getWireType(), wireType)
    await from.message(roomId, text)
  }
}

/** Bob leaves; both see it. */
async function leave(t: ExecutionContext, roomId: string, alice: SdkUser, bob: SdkUser): Promise<void> {
  await bob.client.leave(roomId)
  await alice.membership(roomId, 'leave', bob.userId)
  await bob.membership(roomId, 'leave')
  await t.throwsAsync(bob.client.sendTextMessage(roomId, 'too late'), { message: /M_FORBIDDEN|403/ })
}
