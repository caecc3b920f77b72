// Generated from api-spec by `npm run spec`. Do not edit.
import type { Endpoint } from '../http/endpoint.ts'
import { ban } from './client-server/ban.ts'
import { changePassword } from './client-server/changePassword.ts'
import { checkUsernameAvailability } from './client-server/checkUsernameAvailability.ts'
import { createRoom } from './client-server/createRoom.ts'
import { deactivateAccount } from './client-server/deactivateAccount.ts'
import { defineFilter } from './client-server/defineFilter.ts'
import { deleteDevice } from './client-server/deleteDevice.ts'
import { deleteDevices } from './client-server/deleteDevices.ts'
import { deleteProfileField } from './client-server/deleteProfileField.ts'
import { deleteRoomAlias } from './client-server/deleteRoomAlias.ts'
import { forgetRoom } from './client-server/forgetRoom.ts'
import { generateLoginToken } from './client-server/generateLoginToken.ts'
import { getAccountData } from './client-server/getAccountData.ts'
import { getAccountDataPerRoom } from './client-server/getAccountDataPerRoom.ts'
import { getCapabilities } from './client-server/getCapabilities.ts'
import { getDevice } from './client-server/getDevice.ts'
import { getDevices } from './client-server/getDevices.ts'
import { getEventByTimestamp } from './client-server/getEventByTimestamp.ts'
import { getEventContext } from './client-server/getEventContext.ts'
import { getEvents } from './client-server/getEvents.ts'
import { getFilter } from './client-server/getFilter.ts'
import { getJoinedMembersByRoom } from './client-server/getJoinedMembersByRoom.ts'
import { getJoinedRooms } from './client-server/getJoinedRooms.ts'
import { getLocalAliases } from './client-server/getLocalAliases.ts'
import { getLoginFlows } from './client-server/getLoginFlows.ts'
import { getMembersByRoom } from './client-server/getMembersByRoom.ts'
import { getOneEvent } from './client-server/getOneEvent.ts'
import { getOneRoomEvent } from './client-server/getOneRoomEvent.ts'
import { getProfileField } from './client-server/getProfileField.ts'
import { getPublicRooms } from './client-server/getPublicRooms.ts'
import { getRoomEvents } from './client-server/getRoomEvents.ts'
import { getRoomIdByAlias } from './client-server/getRoomIdByAlias.ts'
import { getRoomState } from './client-server/getRoomState.ts'
import { getRoomStateWithKey } from './client-server/getRoomStateWithKey.ts'
import { getRoomSummary } from './client-server/getRoomSummary.ts'
import { getRoomVisibilityOnDirectory } from './client-server/getRoomVisibilityOnDirectory.ts'
import { getSpaceHierarchy } from './client-server/getSpaceHierarchy.ts'
import { getTokenOwner } from './client-server/getTokenOwner.ts'
import { getUserProfile } from './client-server/getUserProfile.ts'
import { getVersions } from './client-server/getVersions.ts'
import { initialSync } from './client-server/initialSync.ts'
import { inviteUser } from './client-server/inviteUser.ts'
import { joinRoom } from './client-server/joinRoom.ts'
import { joinRoomById } from './client-server/joinRoomById.ts'
import { kick } from './client-server/kick.ts'
import { knockRoom } from './client-server/knockRoom.ts'
import { leaveRoom } from './client-server/leaveRoom.ts'
import { login } from './client-server/login.ts'
import { logout } from './client-server/logout.ts'
import { logoutAll } from './client-server/logoutAll.ts'
import { queryPublicRooms } from './client-server/queryPublicRooms.ts'
import { redactEvent } from './client-server/redactEvent.ts'
import { refresh } from './client-server/refresh.ts'
import { register } from './client-server/register.ts'
import { registrationTokenValidity } from './client-server/registrationTokenValidity.ts'
import { roomInitialSync } from './client-server/roomInitialSync.ts'
import { sendMessage } from './client-server/sendMessage.ts'
import { setAccountData } from './client-server/setAccountData.ts'
import { setAccountDataPerRoom } from './client-server/setAccountDataPerRoom.ts'
import { setProfileField } from './client-server/setProfileField.ts'
import { setRoomAlias } from './client-server/setRoomAlias.ts'
import { setRoomStateWithKey } from './client-server/setRoomStateWithKey.ts'
import { setRoomVisibilityOnDirectory } from './client-server/setRoomVisibilityOnDirectory.ts'
import { sync } from './client-server/sync.ts'
import { unban } from './client-server/unban.ts'
import { updateDevice } from './client-server/updateDevice.ts'
import { backfillRoom } from './server-server/backfillRoom.ts'
import { bulkPerspectivesKeyQuery } from './server-server/bulkPerspectivesKeyQuery.ts'
import { federationGetRoomState } from './server-server/federationGetRoomState.ts'
import { getEvent } from './server-server/getEvent.ts'
import { getEventAuth } from './server-server/getEventAuth.ts'
import { getMissingPreviousEvents } from './server-server/getMissingPreviousEvents.ts'
import { getRoomStateIds } from './server-server/getRoomStateIds.ts'
import { getServerKey } from './server-server/getServerKey.ts'
import { getVersion } from './server-server/getVersion.ts'
import { makeJoin } from './server-server/makeJoin.ts'
import { makeKnock } from './server-server/makeKnock.ts'
import { makeLeave } from './server-server/makeLeave.ts'
import { perspectivesKeyQuery } from './server-server/perspectivesKeyQuery.ts'
import { queryProfile } from './server-server/queryProfile.ts'
import { queryRoomDirectory } from './server-server/queryRoomDirectory.ts'
import { sendInviteV1 } from './server-server/sendInviteV1.ts'
import { sendInviteV2 } from './server-server/sendInviteV2.ts'
import { sendJoinV2 } from './server-server/sendJoinV2.ts'
import { sendKnock } from './server-server/sendKnock.ts'
import { sendLeaveV2 } from './server-server/sendLeaveV2.ts'
import { sendTransaction } from './server-server/sendTransaction.ts'
import { getRoomRecord } from './tessera/getRoomRecord.ts'
import { getSharedSecretNonce } from './tessera/getSharedSecretNonce.ts'
import { registerBySharedSecret } from './tessera/registerBySharedSecret.ts'

export const endpoints: readonly Endpoint[] = [
  ban,
  changePassword,
  checkUsernameAvailability,
  createRoom,
  deactivateAccount,
  defineFilter,
  deleteDevice,
  deleteDevices,
  deleteProfileField,
  deleteRoomAlias,
  forgetRoom,
  generateLoginToken,
  getAccountData,
  getAccountDataPerRoom,
  getCapabilities,
  getDevice,
  getDevices,
  getEventByTimestamp,
  getEventContext,
  getEvents,
  getFilter,
  getJoinedMembersByRoom,
  getJoinedRooms,
  getLocalAliases,
  getLoginFlows,
  getMembersByRoom,
  getOneEvent,
  getOneRoomEvent,
  getProfileField,
  getPublicRooms,
  getRoomEvents,
  getRoomIdByAlias,
  getRoomState,
  getRoomStateWithKey,
  getRoomSummary,
  getRoomVisibilityOnDirectory,
  getSpaceHierarchy,
  getTokenOwner,
  getUserProfile,
  getVersions,
  initialSync,
  inviteUser,
  joinRoom,
  joinRoomById,
  kick,
  knockRoom,
  leaveRoom,
  login,
  logout,
  logoutAll,
  queryPublicRooms,
  redactEvent,
  refresh,
  register,
  registrationTokenValidity,
  roomInitialSync,
  sendMessage,
  setAccountData,
  setAccountDataPerRoom,
  setProfileField,
  setRoomAlias,
  setRoomStateWithKey,
  setRoomVisibilityOnDirectory,
  sync,
  unban,
  updateDevice,
  backfillRoom,
  bulkPerspectivesKeyQuery,
  federationGetRoomState,
  getEvent,
  getEventAuth,
  getMissingPreviousEvents,
  getRoomStateIds,
  getServerKey,
  getVersion,
  makeJoin,
  makeKnock,
  makeLeave,
  perspectivesKeyQuery,
  queryProfile,
  queryRoomDirectory,
  sendInviteV1,
  sendInviteV2,
  sendJoinV2,
  sendKnock,
  sendLeaveV2,
  sendTransaction,
  getRoomRecord,
  getSharedSecretNonce,
  registerBySharedSecret,
]
