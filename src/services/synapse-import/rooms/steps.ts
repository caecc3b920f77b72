import type { ImportStep } from '../step.ts'
import { delayedEventsStep } from './delayed-events-step.ts'
import {
  aliasesStep,
  blockedRoomsStep,
  forgottenStep,
  networkRoomsStep,
  noticeRoomsStep,
} from './directory-steps.ts'
import { followersStep } from './followers-step.ts'
import { invitationsStep } from './invitations-step.ts'
import { receiptsStep } from './receipts-step.ts'
import { reportSteps } from './report-steps.ts'
import { roomsStep } from './rooms-step.ts'
import { threadSubscriptionsStep } from './thread-subscriptions-step.ts'
import { transactionsStep } from './transactions-step.ts'
import { undeliveredStep } from './undelivered-step.ts'
import { noticesStep, unreadStep } from './unread-steps.ts'

/** Rooms, and what depends on their events. */
export const roomSteps: readonly ImportStep[] = [
  roomsStep,
  invitationsStep,
  forgottenStep,
  aliasesStep,
  blockedRoomsStep,
  networkRoomsStep,
  noticeRoomsStep,
  receiptsStep,
  noticesStep,
  unreadStep,
  threadSubscriptionsStep,
  delayedEventsStep,
  transactionsStep,
  undeliveredStep,
  ...reportSteps,
]

/** To be done after all others. */
export const lastSteps: readonly ImportStep[] = [followersStep]
