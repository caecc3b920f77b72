/** What a room's media flags keep local clients from starting. */
import test from 'ava'
import { newPerson, Refused, serverTests } from '../../test-kit/people.ts'

const onServer = serverTests(test)

onServer('media flags are policy for local senders', async (t, server) => {
  const a = await newPerson(server)
  const roomId = await a.createRoom({ 'chat.tessera.media': ['text', 'audio'] })
  const refusal = async (action: Promise<unknown>): Promise<string> =>
    action.then(
      () => 'sent',
      error => (error instanceof Refused ? error.message : String(error)),
    )
  const sdp = (media: string): string => `v=0\r\ns=-\r\nt=0 0\r\nm=${media} 9 UDP/TLS/RTP/SAVPF 96\r\n`
  const call = { call_id: '1', version: '1', party_id: 'p', lifetime: 60_000 }
  const invite = (media: string) =>
    a.send(roomId, { ...call, offer: { type: 'offer', sdp: sdp(media) } }, 'm.call.invite')
  const joinCall = () =>
    a.setState(roomId, 'org.matrix.msc3401.call.member', { application: 'm.call' }, `_${a.userId}_D`)

  t.is(await refusal(invite('audio')), 'sent')
  t.regex(await refusal(invite('video')), /403 M_FORBIDDEN: .*`video`/)
  t.is(await refusal(joinCall()), 'sent')
  await a.setState(roomId, 'chat.tessera.room.media', { types: ['video'] })
  t.regex(await refusal(a.send(roomId, 'hello')), /403 M_FORBIDDEN: .*`text`/)
  await a.setState(roomId, 'chat.tessera.room.media', { types: [] })
  t.regex(await refusal(invite('audio')), /403 M_FORBIDDEN: .*`audio` or `video`/)
  t.is(
    await refusal(a.setState(roomId, 'org.matrix.msc3401.call.member', {}, `_${a.userId}_D`)),
    'sent',
    'leaving is always possible',
  )
  t.regex(await refusal(joinCall()), /403 M_FORBIDDEN/)
  const rubbish = (types: unknown) => refusal(a.setState(roomId, 'chat.tessera.room.media', { types }))
  t.regex(await rubbish('all'), /400 M_BAD_JSON/)
  t.regex(await rubbish(['smoke']), /400 M_INVALID_PARAM/)
  const state = { type: 'chat.tessera.room.media', content: { types: 7 } }
  t.regex(await refusal(a.createRoom({ initial_state: [state] })), /400 M_BAD_JSON/)
  t.regex(await refusal(a.createRoom({ 'chat.tessera.encryption': '' })), /400 M_INVALID_PARAM/)
  t.regex(await refusal(joinCall()), /403 M_FORBIDDEN/, 'none of which has changed anything')
  await a.setState(roomId, 'chat.tessera.room.media', {})
  t.is(await refusal(a.send(roomId, 'hello')), 'sent', 'a room that does not say allows everything')
})
