import { hasSignInPages } from '../config/sign-in-pages.ts'
import type { Services } from '../services/index.ts'
import { IdentityInvitations } from '../services/invitations/identity-invitations.ts'
import { Leftovers } from '../services/leftovers.ts'
import { Reports } from '../services/reports.ts'
import { MemberActivity } from '../services/rooms/member-activity.ts'
import { MutualRooms } from '../services/rooms/mutual-rooms.ts'
import { ProfileAccess } from '../services/rooms/profile-access.ts'
import { RoomRules } from '../services/rooms/room-rules.ts'
import { ServerNotices } from '../services/server-notices/server-notices.ts'
import { Turn } from '../services/turn.ts'
import { rtcTransports, wellKnownOf } from '../services/well-known.ts'
import { composeAppServices } from './app-services.ts'
import { composeAttention } from './attention.ts'
import type { Circumstances, Foundation } from './foundation.ts'
import { serverNoticesOf } from './options.ts'
import { composeRooms } from './rooms.ts'
import type { Running } from './running.ts'
import { composeSync } from './sync.ts'

/** What local users do, and what follows from it. */
export const composeDomain = (circumstances: Circumstances, foundation: Foundation) => {
  const { config, log, clock } = circumstances
  const { database, processes, metrics, accounts, core, federation, identityServers } = foundation
  const composed = composeRooms(circumstances, foundation)
  const { rooms, administration, discovery, ephemeral, encryption, delayedEvents, search, media } = composed
  const attention = composeAttention(circumstances, foundation, composed)
  const { push, threadSubscriptions, invitations, notifications, direct } = attention
  const sync = composeSync({
    accounts,
    core,
    rooms,
    ephemeral,
    encryption,
    push,
    threadSubscriptions,
    notifications,
    database,
    clock,
    log,
    storedFilter: (userId, filterId) => accounts.filters.get(userId, filterId),
    metrics: metrics.sync,
  })
  const appServices = composeAppServices(circumstances, foundation, composed)
  const notices = serverNoticesOf(config)
  const serverNotices = notices && new ServerNotices({ core, rooms, accounts, log, options: notices })
  const services: Services = {
    ...{
      ...rooms,
      ...discovery,
      ...direct.services,
      ...ephemeral.services,
      ...push.services,
      ...notifications.services,
      ...sync.services,
      ...search,
      accounts,
      administration,
      delayedEvents,
      appServices,
      encryption,
      federation,
      invitations,
      media,
      threadSubscriptions,
    },
    memberActivity: new MemberActivity(core.context),
    mutualRooms: new MutualRooms(database),
    roomRules: new RoomRules({
      creation: config.rooms.creationRules,
      aliases: config.roomDirectory.aliasRules,
      publication: config.roomDirectory.publicationRules,
    }),
    profileAccess: new ProfileAccess(database, config.profiles),
    serverNotices,
    reports: new Reports({ context: core.context, rooms, accounts, clock, log }),
    rtcTransports: rtcTransports(config.rtc),
    identityInvitations: new IdentityInvitations({
      ...{ writer: core.writer, sender: core.sender, identityServers, log },
      ...{ addresses: invitations.addresses, sending: invitations.sending },
      profile: userId => accounts.profiles.memberProfile(userId),
    }),
    turn: new Turn(config.turn, clock),
    wellKnown: wellKnownOf({ ...config, oauth: { enabled: hasSignInPages(config) } }),
  }
  const leftovers = new Leftovers({ database, clock, log, sole: processes.soleWork('leftovers') })
  const running: readonly Running[] = [
    leftovers,
    ...composed.running,
    ...attention.running,
    appServices,
    ...sync.running,
    ...(serverNotices === undefined ? [] : [serverNotices]),
  ]
  return { services, running, mailPushers: push.mailPushers }
}
