import type { Log } from '../../../core/log.ts'
import type { FederationClient } from '../../../network/federation-client.ts'
import type { Answer } from '../../answer.ts'
import type { Metrics } from '../../metrics/index.ts'
import type { RoomCore } from '../../rooms/index.ts'
import type { RoomHead } from '../../rooms/room-head.ts'
import type { EventVerifier } from '../verify-event.ts'
import { EventsByTime } from './events-by-time.ts'
import { Handshakes } from './handshakes.ts'
import { InvitationReceiver, type MayBeInvited } from './invitations.ts'
import { MissingEvents } from './missing-events.ts'
import { TransactionReceiver } from './receive-transaction.ts'
import { RoomGate } from './room-gate.ts'
import { FederatedHistory } from './room-history.ts'
import { RoomInbox } from './room-inbox.ts'
import { type KeyValidity, ThirdPartyInvites } from './third-party-invites.ts'

/** What other servers ask of this one, and send to it. */
export interface Inbound {
  readonly gate: RoomGate
  readonly handshakes: Handshakes
  readonly invitations: InvitationReceiver
  readonly thirdPartyInvites: ThirdPartyInvites
  readonly transactions: TransactionReceiver
  readonly history: FederatedHistory
  readonly eventsByTime: EventsByTime
  readonly inbox: RoomInbox
}

/** Builds the incoming side. */
export const createInbound = (parts: {
  core: RoomCore
  client: FederationClient
  /** Of what peers hand over, and of what they are asked for. */
  verifier: EventVerifier
  verifierOfFetched: EventVerifier
  mayBeInvited: MayBeInvited
  keys?: KeyValidity | undefined
  /** Settles when no join of the room through another server is under way. */
  joinsIdle: (roomId: string) => Answer<void>
  /** Told of servers that send events of a room that nobody here is in. */
  remindOfLeaves: (server: string, head: RoomHead) => void
  /** How much of a gap is caught up with, if not as usual. */
  maxGap?: ConstructorParameters<typeof MissingEvents>[0]['maxGap']
  log: Log
  metrics?: Metrics['federation'] | undefined
}): Inbound => {
  const { verifier, log, client, mayBeInvited, joinsIdle, remindOfLeaves, maxGap, metrics } = parts
  const { writer, signingKey, context, views, dummies } = parts.core
  const { clock } = context
  const gate = new RoomGate(writer)
  const missing = new MissingEvents({ writer, client, verifier: parts.verifierOfFetched, log, maxGap })
  const inbox = new RoomInbox({ writer, missing, log, metrics })
  const invitations = new InvitationReceiver({
    ...{ writer, gate, verifier, signingKey, mayBeInvited, log },
    invitePolicies: views.invitePolicies,
  })
  return {
    gate,
    inbox,
    invitations,
    handshakes: new Handshakes({ writer, dummies, gate, verifier, signingKey, views: views.state }),
    thirdPartyInvites: new ThirdPartyInvites({ writer, gate, client, mayBeInvited, keys: parts.keys, log }),
    transactions: new TransactionReceiver({
      writer,
      gate,
      verifier,
      invitations,
      inbox,
      joinsIdle,
      remindOfLeaves,
      clock,
      log,
      metrics,
    }),
    history: new FederatedHistory({ writer, gate }),
    eventsByTime: new EventsByTime({ writer, gate }),
  }
}
