import { readAppServices } from '../config/app-service-registrations.ts'
import { openAppServiceClient } from '../network/app-service-client.ts'
import { AppServices } from '../services/appservices/index.ts'
import type { Circumstances, Foundation } from './foundation.ts'
import { outgoingOf } from './options.ts'
import type { ComposedRooms } from './rooms.ts'

/** Application services, and where accounts and rooms ask them. */
export const composeAppServices = (
  { config, log, clock }: Circumstances,
  { accounts, core }: Foundation,
  { rooms, ephemeral, encryption }: Pick<ComposedRooms, 'rooms' | 'ephemeral' | 'encryption'>,
): AppServices => {
  const { serverName } = config
  const appServices = new AppServices({
    services: readAppServices(config.applicationServices.directory, serverName),
    ...{ accounts, encryption, clock, log, context: core.context, clientEvents: core.clientEvents },
    ephemeral: ephemeral.services,
    client: openAppServiceClient(outgoingOf(config, clock)),
  })
  accounts.hooks.isExclusive = userId => appServices.registry.isExclusiveUser(userId)
  accounts.hooks.makeUser = userId => appServices.queries.user(userId)
  rooms.directory.makeRoom = alias => appServices.queries.alias(alias)
  return appServices
}
