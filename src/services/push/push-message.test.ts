import test from 'ava'
import type { PusherRow } from '../../storage/push/pushers.ts'
import { eventNotification, type PushDetails } from './push-message.ts'

test('gateways are told what the app asks for, and no more than the operator lets them know', t => {
  const event = {
    ...{ eventId: '$e', roomId: '!r', type: 'm.room.message', sender: '@a:x', stateKey: undefined },
    ...{ content: { body: 'secret' }, senderDisplayName: 'Ann', roomName: 'Tea', roomAlias: undefined },
    actions: ['notify'],
  } as const
  const told = (details: PushDetails, format?: string): string[] => {
    const data = JSON.stringify({ url: 'https://push.test', ...(format === undefined ? {} : { format }) })
    const pusher = { userId: '@b:x', appId: 'app', pushkey: 'key', data } as PusherRow
    return Object.keys(eventNotification(pusher, event, undefined, details)).sort()
  }
  const least = ['devices', 'event_id', 'prio', 'room_id']
  const words = ['room_name', 'sender', 'sender_display_name', 'type']
  t.deepEqual(told('all'), [...least, ...words, 'content'].sort())
  t.deepEqual(told('no_content'), [...least, ...words].sort())
  t.deepEqual(told('none'), least)
  for (const details of ['all', 'no_content', 'none'] as const)
    t.deepEqual(told(details, 'event_id_only'), least)
})
