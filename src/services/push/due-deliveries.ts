import type { Announced } from './push-message.ts'
import type { WorkerContext } from './worker-context.ts'

/** Notifications that are looked for at once. */
const BATCH = 20

/** How far a gateway is in the streams of events and of invitations. */
export interface PushPlace {
  readonly events: number
  readonly invites: number
}

/** Something to be sent, and how far the gateway is when it has it. */
export interface Delivery extends PushPlace {
  readonly event: Announced | undefined
}

/** What a gateway does not have yet: invitations, then events; some of it, if there is much. */
export const dueDeliveries = async (
  { db, actions, invitations, announcements, counted }: WorkerContext,
  userId: string,
  at: PushPlace,
): Promise<Delivery[]> => {
  const due: Delivery[] = []
  let { events, invites } = at
  const invitesEnd = db.position('invites')
  if (invites < invitesEnd) {
    const some = await invitations.someChanged(userId, invites, invitesEnd, BATCH)
    for (const row of some.rows) {
      invites = row.position
      due.push({ event: await announcements.ofInvitation(row), events, invites })
    }
    invites = some.upTo
  }
  const eventsEnd = Math.min(counted(), db.position('events'))
  if (events < eventsEnd) {
    const rows = await actions.unreadAfter(userId, { after: events, upTo: eventsEnd, limit: BATCH })
    for (const row of rows) {
      events = row.position
      due.push({ event: await announcements.ofEvent(row), events, invites })
    }
    if (rows.length < BATCH) events = eventsEnd
  }
  if (events > at.events || invites > at.invites) due.push({ event: undefined, events, invites })
  return due
}
