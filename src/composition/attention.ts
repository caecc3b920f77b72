import { openPushGateway } from '../network/push-gateway.ts'
import { createDirect } from '../services/direct/index.ts'
import { AutomaticAcceptance } from '../services/invitations/acceptance.ts'
import { createInvitations } from '../services/invitations/index.ts'
import { createNotifications } from '../services/notifications/index.ts'
import { createPush } from '../services/push/index.ts'
import { ThreadSubscriptions } from '../services/push/thread-subscriptions.ts'
import type { Circumstances, Foundation } from './foundation.ts'
import { invitationMailOf, mailDigestsOf, outgoingOf } from './options.ts'
import type { ComposedRooms } from './rooms.ts'
import type { Running } from './running.ts'

/** What is meant for somebody: push, invitations, notifications, chats of two. */
export const composeAttention = (
  { config, log, clock }: Circumstances,
  foundation: Foundation,
  parts: Pick<ComposedRooms, 'rooms' | 'discovery' | 'ephemeral' | 'encryption' | 'lifetime'>,
) => {
  const { accounts, core, federation, mailer, counted } = foundation
  const { rooms, discovery, ephemeral, encryption, lifetime } = parts
  const gateway = openPushGateway({ ...config.federation, ...outgoingOf(config, clock) })
  const push = createPush({
    core,
    gateway,
    details: config.push.details,
    counted,
    clock,
    log,
    mail: mailDigestsOf(config, mailer),
  })
  const threadSubscriptions = new ThreadSubscriptions({
    ...{ db: core.context.db, rules: push.services.pushRules },
    visibleEvent: (requester, roomId, eventId) => rooms.roomReading.visibleEvent(requester, roomId, eventId),
  })
  rooms.successors.add((userId, { from, to }) => push.services.pushRules.carryOver(userId, from, to))
  accounts.hooks.onDevicesChange = (userId, change) => [
    ...encryption.onDevicesChange(userId, change),
    ...push.sender.onDevicesChange(userId, change),
  ]
  accounts.hooks.onAccountEnd = userId => push.sender.onAccountEnd(userId)
  accounts.hooks.onIgnoring = (userId, ignored) => push.ignoredNotices.takenBack(userId, ignored)
  accounts.hooks.isSigningKey = (userId, id) => encryption.crossSigning.isKey(userId, id)
  const invitations = createInvitations({
    ...{ core, rooms, clock, log },
    roomSummaries: discovery.roomSummaries,
    people: {
      addressesOf: userId => accounts.threepids.addressesOf(userId),
      ownerOf: address => accounts.threepids.ownerOf(address),
      languagesOf: userId => push.services.pushers.languagesOf(userId),
    },
    mail: config.invitations.mail ? invitationMailOf(config, mailer) : undefined,
    limits: config.invitations,
    peers: federation,
    standing: userId => accounts.refusalOf(userId),
  })
  accounts.hooks.onAddress = userId => invitations.addresses.deliverTo(userId)
  federation.invitations.checks.push(invitation => invitations.sending.checkIncoming(invitation))
  const notifications = createNotifications({
    ...{ core, push, clock, log },
    records: invitations.records.read,
    limits: config.notifications,
  })
  lifetime.onRemoved = async roomId => {
    await notifications.housekeeping.roomGone(roomId)
    await invitations.roomsGone.endIn(roomId)
  }
  const direct = createDirect({
    ...{ core, rooms, clock, log, peers: federation },
    attention: notifications.attention,
    isReused: config.rooms.reuseDirectRooms,
    isUser: userId => accounts.ofServices.isUserOrMade(userId),
  })
  ephemeral.services.receipts.onMarked = (userId, roomId) => notifications.attention.visited(userId, roomId)
  const eduHandlers = {
    ...{ ...ephemeral.handlers, ...encryption.eduHandlers },
    ...{ ...invitations.eduHandlers, ...direct.eduHandlers },
  }
  for (const [type, handler] of Object.entries(eduHandlers)) federation.transactions.onEdu(type, handler)
  const acceptance = new AutomaticAcceptance({
    ...{ context: core.context, memberships: rooms.memberships, rules: config.invitations, clock, log },
    isActive: async userId =>
      accounts.hooks.isExclusive?.(userId) !== true && (await accounts.refusalOf(userId)) === undefined,
    isWanted: invitation => invitations.listing.isWanted(invitation),
    noteDirect: direct.note,
  })
  const running: readonly Running[] = [push, invitations, notifications, direct, acceptance]
  return { push, threadSubscriptions, invitations, notifications, direct, running }
}
