import type { StreamName } from '../../../storage/database.ts'
import { OutboxWriter } from '../../../storage/federation/outbox-writer.ts'
import { COUNTER, FollowedStreams, notificationsOf } from '../../../storage/followed-streams.ts'
import { erasedBefore } from '../../../storage/synapse/rooms/erased-before.ts'
import type { ImportStep } from '../step.ts'

/**
 * Who follows the streams of a running server and would do its work on all that has come over: sending it to other servers, notifying,
 * mailing. Those who only note what there is (files that are named in events, whom the directory of users finds) begin at the beginning.
 */
const FOLLOWERS: Readonly<Record<string, StreamName>> = {
  [COUNTER]: 'events',
  direct: 'invites',
  'profile-propagation': 'profiles',
  'profile-propagation of memberships learnt late': 'events',
  'joins of new users': 'profiles',
  'guest access': 'events',
  'sticky reviews': 'events',
  [notificationsOf('events')]: 'events',
  [notificationsOf('receipts')]: 'receipts',
  [notificationsOf('invitation_records')]: 'invitation_records',
  'wanted invitations': 'account_data',
  'accepted invitations': 'invites',
  'invitation records of events': 'events',
  'invitation records of invites': 'invites',
  'mailed invitations': 'invitation_records',
  'device list updates': 'device_lists',
  'followed device lists': 'events',
}

/** The last step of all: what has come over is no news, and what users had erased counts for all of it. */
export const followersStep: ImportStep = {
  name: 'what is no news',
  count: async () => 0,
  run: async ({ db }) => {
    const followed = new FollowedStreams(db)
    const reached = Object.entries(FOLLOWERS).map(([name, stream]) =>
      followed.reached(name, db.position(stream)),
    )
    const distributed = new OutboxWriter(db).distributed(db.position('events'))
    await db.commit({ statements: [...reached, distributed, erasedBefore(db)] })
  },
}
