import type { JsonObject } from '../../core/json.ts'
import type { KeptEdu } from '../kept-edus.ts'
import type { RoomHead } from '../rooms/room-head.ts'

/** An EDU for other servers. */
export interface OutgoingEdu extends KeptEdu {
  /** Whether a server that cannot be reached now is to get it later. What is stale by then is not kept. */
  readonly keep: boolean
}

/** Hands an EDU to federation; resolves once it is queued. */
export type QueueEdu = (edu: OutgoingEdu) => Promise<void> | void

/** Whether a room's access control list lets another server take part (client-server API, "Server ACLs"). */
export type AdmitsServer = (head: RoomHead, server: string) => Promise<boolean>

/** What is done with an EDU from a server whose signature has been checked. Never rejects for what it says. */
export type ReceiveEdu = (origin: string, content: JsonObject) => Promise<void>
