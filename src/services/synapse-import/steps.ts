import { filters, globalAccountData, roomAccountData, tags } from './account-data.ts'
import { waitingAppServices } from './app-services.ts'
import { bindings, emails, externalIds, registrationTokens } from './contacts.ts'
import { deviceLists, signedUsers } from './device-lists.ts'
import { backedUpKeys, keyBackups } from './key-backups.ts'
import {
  crossSigningKeys,
  dehydratedDevices,
  deviceKeys,
  fallbackKeys,
  keySignatures,
  oneTimeKeys,
} from './keys.ts'
import { masAccounts } from './mas/mas-accounts.ts'
import { masEmails, masLinks } from './mas/mas-contacts.ts'
import { masOauthSessions, masSessions } from './mas/mas-sessions.ts'
import { unlessMas } from './mas/mas-step.ts'
import { hiddenRemoteFiles, uploads } from './media.ts'
import { pushRules } from './push-rules.ts'
import { pushers } from './pushers.ts'
import { lastSteps, roomSteps } from './rooms/steps.ts'
import { serverKeys } from './server-keys.ts'
import { accessTokens, devices, refreshTokens } from './sessions.ts'
import type { ImportStep } from './step.ts'
import { outgoingToDevice, receivedToDevice, toDevice } from './to-device.ts'
import { users } from './users.ts'

/** All steps of the import, in their order: what refers to something comes after it. */
export const importSteps: readonly ImportStep[] = [
  ...[users, masAccounts],
  ...[unlessMas(emails), masEmails, bindings, unlessMas(externalIds), masLinks, registrationTokens],
  ...[devices, unlessMas(accessTokens), unlessMas(refreshTokens), masSessions, masOauthSessions],
  ...[deviceKeys, crossSigningKeys, keySignatures, oneTimeKeys, fallbackKeys, dehydratedDevices],
  ...[deviceLists, signedUsers],
  ...[keyBackups, backedUpKeys],
  ...[toDevice, receivedToDevice, outgoingToDevice],
  ...[globalAccountData, roomAccountData, tags, pushRules, filters],
  uploads,
  hiddenRemoteFiles,
  serverKeys,
  ...roomSteps,
  pushers,
  waitingAppServices,
  ...lastSteps,
]
