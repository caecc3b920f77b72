// Generated from api-spec by `npm run spec`. Do not edit.
import type { Endpoint } from '../http/endpoint.ts'
import { adminAllowCrossSigningReset } from './admin/adminAllowCrossSigningReset.ts'
import { adminCheckUsernameAvailable } from './admin/adminCheckUsernameAvailable.ts'
import { adminCountJoinedRooms } from './admin/adminCountJoinedRooms.ts'
import { adminCountSentInvites } from './admin/adminCountSentInvites.ts'
import { adminCreateDevice } from './admin/adminCreateDevice.ts'
import { adminCreateRegistrationToken } from './admin/adminCreateRegistrationToken.ts'
import { adminDeactivateUser } from './admin/adminDeactivateUser.ts'
import { adminDeleteDevice } from './admin/adminDeleteDevice.ts'
import { adminDeleteDevices } from './admin/adminDeleteDevices.ts'
import { adminDeleteEventReport } from './admin/adminDeleteEventReport.ts'
import { adminDeleteMedia } from './admin/adminDeleteMedia.ts'
import { adminDeleteOldMedia } from './admin/adminDeleteOldMedia.ts'
import { adminDeleteOldMediaOfServer } from './admin/adminDeleteOldMediaOfServer.ts'
import { adminDeleteRateLimit } from './admin/adminDeleteRateLimit.ts'
import { adminDeleteRegistrationToken } from './admin/adminDeleteRegistrationToken.ts'
import { adminDeleteRoom } from './admin/adminDeleteRoom.ts'
import { adminDeleteRoomNow } from './admin/adminDeleteRoomNow.ts'
import { adminDeleteUserMedia } from './admin/adminDeleteUserMedia.ts'
import { adminDeleteUserReport } from './admin/adminDeleteUserReport.ts'
import { adminEndShadowBan } from './admin/adminEndShadowBan.ts'
import { adminFetchEvent } from './admin/adminFetchEvent.ts'
import { adminFindUserByExternalId } from './admin/adminFindUserByExternalId.ts'
import { adminFindUserByThreepid } from './admin/adminFindUserByThreepid.ts'
import { adminGetAccountData } from './admin/adminGetAccountData.ts'
import { adminGetAdmin } from './admin/adminGetAdmin.ts'
import { adminGetBackgroundUpdates } from './admin/adminGetBackgroundUpdates.ts'
import { adminGetBackgroundUpdatesEnabled } from './admin/adminGetBackgroundUpdatesEnabled.ts'
import { adminGetDestination } from './admin/adminGetDestination.ts'
import { adminGetDevice } from './admin/adminGetDevice.ts'
import { adminGetDevices } from './admin/adminGetDevices.ts'
import { adminGetEventByTimestamp } from './admin/adminGetEventByTimestamp.ts'
import { adminGetEventContext } from './admin/adminGetEventContext.ts'
import { adminGetEventReport } from './admin/adminGetEventReport.ts'
import { adminGetExperimentalFeatures } from './admin/adminGetExperimentalFeatures.ts'
import { adminGetHistoryPurge } from './admin/adminGetHistoryPurge.ts'
import { adminGetJoinedRooms } from './admin/adminGetJoinedRooms.ts'
import { adminGetMedia } from './admin/adminGetMedia.ts'
import { adminGetMemberships } from './admin/adminGetMemberships.ts'
import { adminGetPushers } from './admin/adminGetPushers.ts'
import { adminGetRateLimit } from './admin/adminGetRateLimit.ts'
import { adminGetRegistrationToken } from './admin/adminGetRegistrationToken.ts'
import { adminGetRoom } from './admin/adminGetRoom.ts'
import { adminGetRoomBlock } from './admin/adminGetRoomBlock.ts'
import { adminGetRoomDeletion } from './admin/adminGetRoomDeletion.ts'
import { adminGetRoomMessages } from './admin/adminGetRoomMessages.ts'
import { adminGetRoomState } from './admin/adminGetRoomState.ts'
import { adminGetServerVersion } from './admin/adminGetServerVersion.ts'
import { adminGetSpaceHierarchy } from './admin/adminGetSpaceHierarchy.ts'
import { adminGetUser } from './admin/adminGetUser.ts'
import { adminGetUserRedaction } from './admin/adminGetUserRedaction.ts'
import { adminGetUserReport } from './admin/adminGetUserReport.ts'
import { adminJoinRoom } from './admin/adminJoinRoom.ts'
import { adminListDestinationRooms } from './admin/adminListDestinationRooms.ts'
import { adminListDestinations } from './admin/adminListDestinations.ts'
import { adminListEventReports } from './admin/adminListEventReports.ts'
import { adminListLargestRooms } from './admin/adminListLargestRooms.ts'
import { adminListRegistrationTokens } from './admin/adminListRegistrationTokens.ts'
import { adminListRoomDeletions } from './admin/adminListRoomDeletions.ts'
import { adminListRoomEnds } from './admin/adminListRoomEnds.ts'
import { adminListRoomMedia } from './admin/adminListRoomMedia.ts'
import { adminListRoomMembers } from './admin/adminListRoomMembers.ts'
import { adminListRooms } from './admin/adminListRooms.ts'
import { adminListTasks } from './admin/adminListTasks.ts'
import { adminListUserMedia } from './admin/adminListUserMedia.ts'
import { adminListUserReports } from './admin/adminListUserReports.ts'
import { adminListUsers } from './admin/adminListUsers.ts'
import { adminListUsersMedia } from './admin/adminListUsersMedia.ts'
import { adminListUsersV2 } from './admin/adminListUsersV2.ts'
import { adminLoginAsUser } from './admin/adminLoginAsUser.ts'
import { adminMakeRoomAdmin } from './admin/adminMakeRoomAdmin.ts'
import { adminProtectMedia } from './admin/adminProtectMedia.ts'
import { adminPurgeHistory } from './admin/adminPurgeHistory.ts'
import { adminPurgeMediaCache } from './admin/adminPurgeMediaCache.ts'
import { adminPutUser } from './admin/adminPutUser.ts'
import { adminQuarantineMedia } from './admin/adminQuarantineMedia.ts'
import { adminQuarantineRoomMedia } from './admin/adminQuarantineRoomMedia.ts'
import { adminQuarantineUserMedia } from './admin/adminQuarantineUserMedia.ts'
import { adminRedactUser } from './admin/adminRedactUser.ts'
import { adminResetDestination } from './admin/adminResetDestination.ts'
import { adminResetPassword } from './admin/adminResetPassword.ts'
import { adminSendServerNotice } from './admin/adminSendServerNotice.ts'
import { adminSendServerNoticeOnce } from './admin/adminSendServerNoticeOnce.ts'
import { adminSetAdmin } from './admin/adminSetAdmin.ts'
import { adminSetExperimentalFeatures } from './admin/adminSetExperimentalFeatures.ts'
import { adminSetRateLimit } from './admin/adminSetRateLimit.ts'
import { adminSetRoomBlock } from './admin/adminSetRoomBlock.ts'
import { adminShadowBanUser } from './admin/adminShadowBanUser.ts'
import { adminSuspendUser } from './admin/adminSuspendUser.ts'
import { adminTieRoomEnds } from './admin/adminTieRoomEnds.ts'
import { adminUnprotectMedia } from './admin/adminUnprotectMedia.ts'
import { adminUnquarantineMedia } from './admin/adminUnquarantineMedia.ts'
import { adminUpdateDevice } from './admin/adminUpdateDevice.ts'
import { adminUpdateRegistrationToken } from './admin/adminUpdateRegistrationToken.ts'
import { getSharedSecretNonce } from './admin/getSharedSecretNonce.ts'
import { registerBySharedSecret } from './admin/registerBySharedSecret.ts'
import { add3PID } from './client-server/add3PID.ts'
import { ban } from './client-server/ban.ts'
import { bind3PID } from './client-server/bind3PID.ts'
import { changePassword } from './client-server/changePassword.ts'
import { checkUsernameAvailability } from './client-server/checkUsernameAvailability.ts'
import { claimKeys } from './client-server/claimKeys.ts'
import { createContent } from './client-server/createContent.ts'
import { createRoom } from './client-server/createRoom.ts'
import { deactivateAccount } from './client-server/deactivateAccount.ts'
import { defineFilter } from './client-server/defineFilter.ts'
import { delete3pidFromAccount } from './client-server/delete3pidFromAccount.ts'
import { deleteAccountData } from './client-server/deleteAccountData.ts'
import { deleteAccountDataPerRoom } from './client-server/deleteAccountDataPerRoom.ts'
import { deleteDevice } from './client-server/deleteDevice.ts'
import { deleteDevices } from './client-server/deleteDevices.ts'
import { deleteProfileField } from './client-server/deleteProfileField.ts'
import { deletePushRule } from './client-server/deletePushRule.ts'
import { deleteRoomAlias } from './client-server/deleteRoomAlias.ts'
import { deleteRoomKeyBySessionId } from './client-server/deleteRoomKeyBySessionId.ts'
import { deleteRoomKeys } from './client-server/deleteRoomKeys.ts'
import { deleteRoomKeysByRoomId } from './client-server/deleteRoomKeysByRoomId.ts'
import { deleteRoomKeysVersion } from './client-server/deleteRoomKeysVersion.ts'
import { deleteRoomTag } from './client-server/deleteRoomTag.ts'
import { forgetRoom } from './client-server/forgetRoom.ts'
import { generateLoginToken } from './client-server/generateLoginToken.ts'
import { getAccount3PIDs } from './client-server/getAccount3PIDs.ts'
import { getAccountData } from './client-server/getAccountData.ts'
import { getAccountDataPerRoom } from './client-server/getAccountDataPerRoom.ts'
import { getAdminLockUser } from './client-server/getAdminLockUser.ts'
import { getAdminSuspendUser } from './client-server/getAdminSuspendUser.ts'
import { getAuthMetadata } from './client-server/getAuthMetadata.ts'
import { getCapabilities } from './client-server/getCapabilities.ts'
import { getConfig } from './client-server/getConfig.ts'
import { getConfigAuthed } from './client-server/getConfigAuthed.ts'
import { getContent } from './client-server/getContent.ts'
import { getContentAuthed } from './client-server/getContentAuthed.ts'
import { getContentOverrideName } from './client-server/getContentOverrideName.ts'
import { getContentOverrideNameAuthed } from './client-server/getContentOverrideNameAuthed.ts'
import { getContentThumbnail } from './client-server/getContentThumbnail.ts'
import { getContentThumbnailAuthed } from './client-server/getContentThumbnailAuthed.ts'
import { getDevice } from './client-server/getDevice.ts'
import { getDevices } from './client-server/getDevices.ts'
import { getEventByTimestamp } from './client-server/getEventByTimestamp.ts'
import { getEventContext } from './client-server/getEventContext.ts'
import { getEvents } from './client-server/getEvents.ts'
import { getFilter } from './client-server/getFilter.ts'
import { getJoinedMembersByRoom } from './client-server/getJoinedMembersByRoom.ts'
import { getJoinedRooms } from './client-server/getJoinedRooms.ts'
import { getKeysChanges } from './client-server/getKeysChanges.ts'
import { getLocalAliases } from './client-server/getLocalAliases.ts'
import { getLoginFlows } from './client-server/getLoginFlows.ts'
import { getMembersByRoom } from './client-server/getMembersByRoom.ts'
import { getMutualRooms } from './client-server/getMutualRooms.ts'
import { getNotifications } from './client-server/getNotifications.ts'
import { getOneEvent } from './client-server/getOneEvent.ts'
import { getOneRoomEvent } from './client-server/getOneRoomEvent.ts'
import { getPresence } from './client-server/getPresence.ts'
import { getProfileField } from './client-server/getProfileField.ts'
import { getProtocolMetadata } from './client-server/getProtocolMetadata.ts'
import { getProtocols } from './client-server/getProtocols.ts'
import { getPublicRooms } from './client-server/getPublicRooms.ts'
import { getPushRule } from './client-server/getPushRule.ts'
import { getPushRuleActions } from './client-server/getPushRuleActions.ts'
import { getPushRules } from './client-server/getPushRules.ts'
import { getPushRulesGlobal } from './client-server/getPushRulesGlobal.ts'
import { getPushers } from './client-server/getPushers.ts'
import { getRelatingEvents } from './client-server/getRelatingEvents.ts'
import { getRelatingEventsWithRelType } from './client-server/getRelatingEventsWithRelType.ts'
import { getRelatingEventsWithRelTypeAndEventType } from './client-server/getRelatingEventsWithRelTypeAndEventType.ts'
import { getRoomEvents } from './client-server/getRoomEvents.ts'
import { getRoomIdByAlias } from './client-server/getRoomIdByAlias.ts'
import { getRoomKeyBySessionId } from './client-server/getRoomKeyBySessionId.ts'
import { getRoomKeys } from './client-server/getRoomKeys.ts'
import { getRoomKeysByRoomId } from './client-server/getRoomKeysByRoomId.ts'
import { getRoomKeysVersion } from './client-server/getRoomKeysVersion.ts'
import { getRoomKeysVersionCurrent } from './client-server/getRoomKeysVersionCurrent.ts'
import { getRoomState } from './client-server/getRoomState.ts'
import { getRoomStateWithKey } from './client-server/getRoomStateWithKey.ts'
import { getRoomSummary } from './client-server/getRoomSummary.ts'
import { getRoomTags } from './client-server/getRoomTags.ts'
import { getRoomVisibilityOnDirectory } from './client-server/getRoomVisibilityOnDirectory.ts'
import { getSpaceHierarchy } from './client-server/getSpaceHierarchy.ts'
import { getThreadRoots } from './client-server/getThreadRoots.ts'
import { getTokenOwner } from './client-server/getTokenOwner.ts'
import { getTurnServer } from './client-server/getTurnServer.ts'
import { getUrlPreview } from './client-server/getUrlPreview.ts'
import { getUrlPreviewAuthed } from './client-server/getUrlPreviewAuthed.ts'
import { getUserProfile } from './client-server/getUserProfile.ts'
import { getVersions } from './client-server/getVersions.ts'
import { getWellknown } from './client-server/getWellknown.ts'
import { getWellknownPolicy } from './client-server/getWellknownPolicy.ts'
import { getWellknownSupport } from './client-server/getWellknownSupport.ts'
import { getWhoIs } from './client-server/getWhoIs.ts'
import { initialSync } from './client-server/initialSync.ts'
import { inviteUser } from './client-server/inviteUser.ts'
import { isPushRuleEnabled } from './client-server/isPushRuleEnabled.ts'
import { joinRoom } from './client-server/joinRoom.ts'
import { joinRoomById } from './client-server/joinRoomById.ts'
import { kick } from './client-server/kick.ts'
import { knockRoom } from './client-server/knockRoom.ts'
import { leaveRoom } from './client-server/leaveRoom.ts'
import { login } from './client-server/login.ts'
import { logout } from './client-server/logout.ts'
import { logoutAll } from './client-server/logoutAll.ts'
import { pingAppservice } from './client-server/pingAppservice.ts'
import { post3PIDs } from './client-server/post3PIDs.ts'
import { postPusher } from './client-server/postPusher.ts'
import { postReceipt } from './client-server/postReceipt.ts'
import { postRoomKeysVersion } from './client-server/postRoomKeysVersion.ts'
import { putRoomKeyBySessionId } from './client-server/putRoomKeyBySessionId.ts'
import { putRoomKeys } from './client-server/putRoomKeys.ts'
import { putRoomKeysByRoomId } from './client-server/putRoomKeysByRoomId.ts'
import { putRoomKeysVersion } from './client-server/putRoomKeysVersion.ts'
import { queryKeys } from './client-server/queryKeys.ts'
import { queryLocationByAlias } from './client-server/queryLocationByAlias.ts'
import { queryLocationByProtocol } from './client-server/queryLocationByProtocol.ts'
import { queryPublicRooms } from './client-server/queryPublicRooms.ts'
import { queryUserByID } from './client-server/queryUserByID.ts'
import { queryUserByProtocol } from './client-server/queryUserByProtocol.ts'
import { redactEvent } from './client-server/redactEvent.ts'
import { redirectToIdP } from './client-server/redirectToIdP.ts'
import { redirectToSSO } from './client-server/redirectToSSO.ts'
import { refresh } from './client-server/refresh.ts'
import { register } from './client-server/register.ts'
import { registrationTokenValidity } from './client-server/registrationTokenValidity.ts'
import { reportEvent } from './client-server/reportEvent.ts'
import { reportRoom } from './client-server/reportRoom.ts'
import { reportUser } from './client-server/reportUser.ts'
import { requestOpenIdToken } from './client-server/requestOpenIdToken.ts'
import { requestTokenTo3PIDEmail } from './client-server/requestTokenTo3PIDEmail.ts'
import { requestTokenTo3PIDMSISDN } from './client-server/requestTokenTo3PIDMSISDN.ts'
import { requestTokenToRegisterEmail } from './client-server/requestTokenToRegisterEmail.ts'
import { requestTokenToRegisterMSISDN } from './client-server/requestTokenToRegisterMSISDN.ts'
import { requestTokenToResetPasswordEmail } from './client-server/requestTokenToResetPasswordEmail.ts'
import { requestTokenToResetPasswordMSISDN } from './client-server/requestTokenToResetPasswordMSISDN.ts'
import { roomInitialSync } from './client-server/roomInitialSync.ts'
import { search } from './client-server/search.ts'
import { searchUserDirectory } from './client-server/searchUserDirectory.ts'
import { sendMessage } from './client-server/sendMessage.ts'
import { sendToDevice } from './client-server/sendToDevice.ts'
import { setAccountData } from './client-server/setAccountData.ts'
import { setAccountDataPerRoom } from './client-server/setAccountDataPerRoom.ts'
import { setAdminLockUser } from './client-server/setAdminLockUser.ts'
import { setAdminSuspendUser } from './client-server/setAdminSuspendUser.ts'
import { setPresence } from './client-server/setPresence.ts'
import { setProfileField } from './client-server/setProfileField.ts'
import { setPushRule } from './client-server/setPushRule.ts'
import { setPushRuleActions } from './client-server/setPushRuleActions.ts'
import { setPushRuleEnabled } from './client-server/setPushRuleEnabled.ts'
import { setReadMarker } from './client-server/setReadMarker.ts'
import { setRoomAlias } from './client-server/setRoomAlias.ts'
import { setRoomStateWithKey } from './client-server/setRoomStateWithKey.ts'
import { setRoomTag } from './client-server/setRoomTag.ts'
import { setRoomVisibilityOnDirectory } from './client-server/setRoomVisibilityOnDirectory.ts'
import { setTyping } from './client-server/setTyping.ts'
import { sync } from './client-server/sync.ts'
import { unban } from './client-server/unban.ts'
import { unbind3pidFromAccount } from './client-server/unbind3pidFromAccount.ts'
import { updateAppserviceRoomDirectoryVisibility } from './client-server/updateAppserviceRoomDirectoryVisibility.ts'
import { updateDevice } from './client-server/updateDevice.ts'
import { upgradeRoom } from './client-server/upgradeRoom.ts'
import { uploadContent } from './client-server/uploadContent.ts'
import { uploadContentToMXC } from './client-server/uploadContentToMXC.ts'
import { uploadCrossSigningKeys } from './client-server/uploadCrossSigningKeys.ts'
import { uploadCrossSigningSignatures } from './client-server/uploadCrossSigningSignatures.ts'
import { uploadKeys } from './client-server/uploadKeys.ts'
import { backfillRoom } from './server-server/backfillRoom.ts'
import { bulkPerspectivesKeyQuery } from './server-server/bulkPerspectivesKeyQuery.ts'
import { claimUserEncryptionKeys } from './server-server/claimUserEncryptionKeys.ts'
import { exchangeOpenIdToken } from './server-server/exchangeOpenIdToken.ts'
import { exchangeThirdPartyInvite } from './server-server/exchangeThirdPartyInvite.ts'
import { federationGetContent } from './server-server/federationGetContent.ts'
import { federationGetContentThumbnail } from './server-server/federationGetContentThumbnail.ts'
import { federationGetEventByTimestamp } from './server-server/federationGetEventByTimestamp.ts'
import { federationGetPublicRooms } from './server-server/federationGetPublicRooms.ts'
import { federationGetRoomState } from './server-server/federationGetRoomState.ts'
import { federationGetSpaceHierarchy } from './server-server/federationGetSpaceHierarchy.ts'
import { federationGetWellKnown } from './server-server/federationGetWellKnown.ts'
import { federationQueryPublicRooms } from './server-server/federationQueryPublicRooms.ts'
import { getEvent } from './server-server/getEvent.ts'
import { getEventAuth } from './server-server/getEventAuth.ts'
import { getMissingPreviousEvents } from './server-server/getMissingPreviousEvents.ts'
import { getRoomStateIds } from './server-server/getRoomStateIds.ts'
import { getServerKey } from './server-server/getServerKey.ts'
import { getUserDevices } from './server-server/getUserDevices.ts'
import { getVersion } from './server-server/getVersion.ts'
import { makeJoin } from './server-server/makeJoin.ts'
import { makeKnock } from './server-server/makeKnock.ts'
import { makeLeave } from './server-server/makeLeave.ts'
import { onBindThirdPartyIdentifier } from './server-server/onBindThirdPartyIdentifier.ts'
import { perspectivesKeyQuery } from './server-server/perspectivesKeyQuery.ts'
import { queryInfo } from './server-server/queryInfo.ts'
import { queryProfile } from './server-server/queryProfile.ts'
import { queryRoomDirectory } from './server-server/queryRoomDirectory.ts'
import { queryUserEncryptionKeys } from './server-server/queryUserEncryptionKeys.ts'
import { sendInviteV1 } from './server-server/sendInviteV1.ts'
import { sendInviteV2 } from './server-server/sendInviteV2.ts'
import { sendJoinV1 } from './server-server/sendJoinV1.ts'
import { sendJoinV2 } from './server-server/sendJoinV2.ts'
import { sendKnock } from './server-server/sendKnock.ts'
import { sendLeaveV1 } from './server-server/sendLeaveV1.ts'
import { sendLeaveV2 } from './server-server/sendLeaveV2.ts'
import { sendTransaction } from './server-server/sendTransaction.ts'
import { cancelDelayedEvent } from './tessera/cancelDelayedEvent.ts'
import { cancelInvitation } from './tessera/cancelInvitation.ts'
import { cancelRendezvous } from './tessera/cancelRendezvous.ts'
import { cancelTextRendezvous } from './tessera/cancelTextRendezvous.ts'
import { closeNotification } from './tessera/closeNotification.ts'
import { createRendezvous } from './tessera/createRendezvous.ts'
import { createTextRendezvous } from './tessera/createTextRendezvous.ts'
import { deleteDehydratedDevice } from './tessera/deleteDehydratedDevice.ts'
import { deleteThreadSubscription } from './tessera/deleteThreadSubscription.ts'
import { dismissNotifications } from './tessera/dismissNotifications.ts'
import { extendDirectRoom } from './tessera/extendDirectRoom.ts'
import { getDehydratedDevice } from './tessera/getDehydratedDevice.ts'
import { getDehydratedDeviceEvents } from './tessera/getDehydratedDeviceEvents.ts'
import { getDelayedEvent } from './tessera/getDelayedEvent.ts'
import { getDelayedEvents } from './tessera/getDelayedEvents.ts'
import { getInvitation } from './tessera/getInvitation.ts'
import { getInvitationCalendar } from './tessera/getInvitationCalendar.ts'
import { getInvitations } from './tessera/getInvitations.ts'
import { getRendezvousSupport } from './tessera/getRendezvousSupport.ts'
import { getRoomIcon } from './tessera/getRoomIcon.ts'
import { getRoomRecord } from './tessera/getRoomRecord.ts'
import { getRtcTransports } from './tessera/getRtcTransports.ts'
import { getThreadSubscription } from './tessera/getThreadSubscription.ts'
import { getUserIcon } from './tessera/getUserIcon.ts'
import { listNotifications } from './tessera/listNotifications.ts'
import { listThreadSubscriptions } from './tessera/listThreadSubscriptions.ts'
import { openDirectRoom } from './tessera/openDirectRoom.ts'
import { postDehydratedDeviceEvents } from './tessera/postDehydratedDeviceEvents.ts'
import { putDehydratedDevice } from './tessera/putDehydratedDevice.ts'
import { putThreadSubscription } from './tessera/putThreadSubscription.ts'
import { readRendezvous } from './tessera/readRendezvous.ts'
import { readTextRendezvous } from './tessera/readTextRendezvous.ts'
import { redactEventOnce } from './tessera/redactEventOnce.ts'
import { replyToInvitation } from './tessera/replyToInvitation.ts'
import { restartDelayedEvent } from './tessera/restartDelayedEvent.ts'
import { scheduleDelayedEvent } from './tessera/scheduleDelayedEvent.ts'
import { sendDelayedEvent } from './tessera/sendDelayedEvent.ts'
import { sendMessageOnce } from './tessera/sendMessageOnce.ts'
import { simplifiedSlidingSync } from './tessera/simplifiedSlidingSync.ts'
import { updateDelayedEvent } from './tessera/updateDelayedEvent.ts'
import { withdrawDirectRequest } from './tessera/withdrawDirectRequest.ts'
import { writeRendezvous } from './tessera/writeRendezvous.ts'
import { writeTextRendezvous } from './tessera/writeTextRendezvous.ts'

export const endpoints: readonly Endpoint[] = [
  adminAllowCrossSigningReset,
  adminCheckUsernameAvailable,
  adminCountJoinedRooms,
  adminCountSentInvites,
  adminCreateDevice,
  adminCreateRegistrationToken,
  adminDeactivateUser,
  adminDeleteDevice,
  adminDeleteDevices,
  adminDeleteEventReport,
  adminDeleteMedia,
  adminDeleteOldMedia,
  adminDeleteOldMediaOfServer,
  adminDeleteRateLimit,
  adminDeleteRegistrationToken,
  adminDeleteRoom,
  adminDeleteRoomNow,
  adminDeleteUserMedia,
  adminDeleteUserReport,
  adminEndShadowBan,
  adminFetchEvent,
  adminFindUserByExternalId,
  adminFindUserByThreepid,
  adminGetAccountData,
  adminGetAdmin,
  adminGetBackgroundUpdates,
  adminGetBackgroundUpdatesEnabled,
  adminGetDestination,
  adminGetDevice,
  adminGetDevices,
  adminGetEventByTimestamp,
  adminGetEventContext,
  adminGetEventReport,
  adminGetExperimentalFeatures,
  adminGetHistoryPurge,
  adminGetJoinedRooms,
  adminGetMedia,
  adminGetMemberships,
  adminGetPushers,
  adminGetRateLimit,
  adminGetRegistrationToken,
  adminGetRoom,
  adminGetRoomBlock,
  adminGetRoomDeletion,
  adminGetRoomMessages,
  adminGetRoomState,
  adminGetServerVersion,
  adminGetSpaceHierarchy,
  adminGetUser,
  adminGetUserRedaction,
  adminGetUserReport,
  adminJoinRoom,
  adminListDestinationRooms,
  adminListDestinations,
  adminListEventReports,
  adminListLargestRooms,
  adminListRegistrationTokens,
  adminListRoomDeletions,
  adminListRoomEnds,
  adminListRoomMedia,
  adminListRoomMembers,
  adminListRooms,
  adminListTasks,
  adminListUserMedia,
  adminListUserReports,
  adminListUsers,
  adminListUsersMedia,
  adminListUsersV2,
  adminLoginAsUser,
  adminMakeRoomAdmin,
  adminProtectMedia,
  adminPurgeHistory,
  adminPurgeMediaCache,
  adminPutUser,
  adminQuarantineMedia,
  adminQuarantineRoomMedia,
  adminQuarantineUserMedia,
  adminRedactUser,
  adminResetDestination,
  adminResetPassword,
  adminSendServerNotice,
  adminSendServerNoticeOnce,
  adminSetAdmin,
  adminSetExperimentalFeatures,
  adminSetRateLimit,
  adminSetRoomBlock,
  adminShadowBanUser,
  adminSuspendUser,
  adminTieRoomEnds,
  adminUnprotectMedia,
  adminUnquarantineMedia,
  adminUpdateDevice,
  adminUpdateRegistrationToken,
  getSharedSecretNonce,
  registerBySharedSecret,
  add3PID,
  ban,
  bind3PID,
  changePassword,
  checkUsernameAvailability,
  claimKeys,
  createContent,
  createRoom,
  deactivateAccount,
  defineFilter,
  delete3pidFromAccount,
  deleteAccountData,
  deleteAccountDataPerRoom,
  deleteDevice,
  deleteDevices,
  deleteProfileField,
  deletePushRule,
  deleteRoomAlias,
  deleteRoomKeyBySessionId,
  deleteRoomKeys,
  deleteRoomKeysByRoomId,
  deleteRoomKeysVersion,
  deleteRoomTag,
  forgetRoom,
  generateLoginToken,
  getAccount3PIDs,
  getAccountData,
  getAccountDataPerRoom,
  getAdminLockUser,
  getAdminSuspendUser,
  getAuthMetadata,
  getCapabilities,
  getConfig,
  getConfigAuthed,
  getContent,
  getContentAuthed,
  getContentOverrideName,
  getContentOverrideNameAuthed,
  getContentThumbnail,
  getContentThumbnailAuthed,
  getDevice,
  getDevices,
  getEventByTimestamp,
  getEventContext,
  getEvents,
  getFilter,
  getJoinedMembersByRoom,
  getJoinedRooms,
  getKeysChanges,
  getLocalAliases,
  getLoginFlows,
  getMembersByRoom,
  getMutualRooms,
  getNotifications,
  getOneEvent,
  getOneRoomEvent,
  getPresence,
  getProfileField,
  getProtocolMetadata,
  getProtocols,
  getPublicRooms,
  getPushRule,
  getPushRuleActions,
  getPushRules,
  getPushRulesGlobal,
  getPushers,
  getRelatingEvents,
  getRelatingEventsWithRelType,
  getRelatingEventsWithRelTypeAndEventType,
  getRoomEvents,
  getRoomIdByAlias,
  getRoomKeyBySessionId,
  getRoomKeys,
  getRoomKeysByRoomId,
  getRoomKeysVersion,
  getRoomKeysVersionCurrent,
  getRoomState,
  getRoomStateWithKey,
  getRoomSummary,
  getRoomTags,
  getRoomVisibilityOnDirectory,
  getSpaceHierarchy,
  getThreadRoots,
  getTokenOwner,
  getTurnServer,
  getUrlPreview,
  getUrlPreviewAuthed,
  getUserProfile,
  getVersions,
  getWellknown,
  getWellknownPolicy,
  getWellknownSupport,
  getWhoIs,
  initialSync,
  inviteUser,
  isPushRuleEnabled,
  joinRoom,
  joinRoomById,
  kick,
  knockRoom,
  leaveRoom,
  login,
  logout,
  logoutAll,
  pingAppservice,
  post3PIDs,
  postPusher,
  postReceipt,
  postRoomKeysVersion,
  putRoomKeyBySessionId,
  putRoomKeys,
  putRoomKeysByRoomId,
  putRoomKeysVersion,
  queryKeys,
  queryLocationByAlias,
  queryLocationByProtocol,
  queryPublicRooms,
  queryUserByID,
  queryUserByProtocol,
  redactEvent,
  redirectToIdP,
  redirectToSSO,
  refresh,
  register,
  registrationTokenValidity,
  reportEvent,
  reportRoom,
  reportUser,
  requestOpenIdToken,
  requestTokenTo3PIDEmail,
  requestTokenTo3PIDMSISDN,
  requestTokenToRegisterEmail,
  requestTokenToRegisterMSISDN,
  requestTokenToResetPasswordEmail,
  requestTokenToResetPasswordMSISDN,
  roomInitialSync,
  search,
  searchUserDirectory,
  sendMessage,
  sendToDevice,
  setAccountData,
  setAccountDataPerRoom,
  setAdminLockUser,
  setAdminSuspendUser,
  setPresence,
  setProfileField,
  setPushRule,
  setPushRuleActions,
  setPushRuleEnabled,
  setReadMarker,
  setRoomAlias,
  setRoomStateWithKey,
  setRoomTag,
  setRoomVisibilityOnDirectory,
  setTyping,
  sync,
  unban,
  unbind3pidFromAccount,
  updateAppserviceRoomDirectoryVisibility,
  updateDevice,
  upgradeRoom,
  uploadContent,
  uploadContentToMXC,
  uploadCrossSigningKeys,
  uploadCrossSigningSignatures,
  uploadKeys,
  backfillRoom,
  bulkPerspectivesKeyQuery,
  claimUserEncryptionKeys,
  exchangeOpenIdToken,
  exchangeThirdPartyInvite,
  federationGetContent,
  federationGetContentThumbnail,
  federationGetEventByTimestamp,
  federationGetPublicRooms,
  federationGetRoomState,
  federationGetSpaceHierarchy,
  federationGetWellKnown,
  federationQueryPublicRooms,
  getEvent,
  getEventAuth,
  getMissingPreviousEvents,
  getRoomStateIds,
  getServerKey,
  getUserDevices,
  getVersion,
  makeJoin,
  makeKnock,
  makeLeave,
  onBindThirdPartyIdentifier,
  perspectivesKeyQuery,
  queryInfo,
  queryProfile,
  queryRoomDirectory,
  queryUserEncryptionKeys,
  sendInviteV1,
  sendInviteV2,
  sendJoinV1,
  sendJoinV2,
  sendKnock,
  sendLeaveV1,
  sendLeaveV2,
  sendTransaction,
  cancelDelayedEvent,
  cancelInvitation,
  cancelRendezvous,
  cancelTextRendezvous,
  closeNotification,
  createRendezvous,
  createTextRendezvous,
  deleteDehydratedDevice,
  deleteThreadSubscription,
  dismissNotifications,
  extendDirectRoom,
  getDehydratedDevice,
  getDehydratedDeviceEvents,
  getDelayedEvent,
  getDelayedEvents,
  getInvitation,
  getInvitationCalendar,
  getInvitations,
  getRendezvousSupport,
  getRoomIcon,
  getRoomRecord,
  getRtcTransports,
  getThreadSubscription,
  getUserIcon,
  listNotifications,
  listThreadSubscriptions,
  openDirectRoom,
  postDehydratedDeviceEvents,
  putDehydratedDevice,
  putThreadSubscription,
  readRendezvous,
  readTextRendezvous,
  redactEventOnce,
  replyToInvitation,
  restartDelayedEvent,
  scheduleDelayedEvent,
  sendDelayedEvent,
  sendMessageOnce,
  simplifiedSlidingSync,
  updateDelayedEvent,
  withdrawDirectRequest,
  writeRendezvous,
  writeTextRendezvous,
]
