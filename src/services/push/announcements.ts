import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { judgeAll } from '../../core/push-rules/compile.ts'
import { PushEvent } from '../../core/push-rules/push-event.ts'
import type { Action } from '../../core/push-rules/rule.ts'
import { roomVersion } from '../../core/room-versions.ts'
import type { PushAction } from '../../storage/push/push-actions.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { InvitePolicies } from '../rooms/invite-policies.ts'
import type { Announced } from './push-message.ts'
import type { RuleBook } from './rule-book.ts'

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** Puts together what gateways are told about events. */
export class Announcements {
  readonly #read: RoomReaders
  readonly #rules: RuleBook
  readonly #policies: InvitePolicies

  constructor(parts: { read: RoomReaders; rules: RuleBook; policies: InvitePolicies }) {
    this.#read = parts.read
    this.#rules = parts.rules
    this.#policies = parts.policies
  }

  /** An event that notifies; `undefined` if it is gone or redacted. */
  async ofEvent({ eventNid, roomNid, actions }: PushAction): Promise<Announced | undefined> {
    const [stored] = await this.#read.events.byNids([eventNid])
    if (stored === undefined || stored.redactedBy !== undefined) return undefined
    const { event } = stored
    const [member, name, alias] = await Promise.all([
      this.#state(roomNid, 'm.room.member', event.sender),
      this.#state(roomNid, 'm.room.name', ''),
      this.#state(roomNid, 'm.room.canonical_alias', ''),
    ])
    return {
      eventId: event.eventId,
      roomId: event.roomId,
      type: event.type,
      sender: event.sender,
      stateKey: event.stateKey,
      content: event.content,
      senderDisplayName: text(member?.['displayname']),
      roomName: text(name?.['name']),
      roomAlias: text(alias?.['alias']),
      actions: JSON.parse(actions) as Action[],
    }
  }

  /**
   * An invitation, to a room of which this server may have no event; `undefined` if it does not notify the user.
   */
  async ofInvitation(row: InvitationRow): Promise<Announced | undefined> {
    const { userId, roomId, eventId, sender, event } = row
    const version = roomVersion(row.roomVersion)
    if (row.status !== 'invited' || row.kind !== 'invite' || version === undefined) return undefined
    await this.#rules.refresh()
    const [own] = await this.#rules.of([userId])
    if (own === undefined || own.ignored.has(sender)) return undefined
    if ((await this.#policies.of(userId))(sender) !== 'allow') return undefined
    const occasion = {
      event: new PushEvent({ ...event, event_id: eventId, room_id: roomId }),
      memberCount: 0,
      power: { version, create: undefined, powerLevels: undefined },
    }
    const [alike] = judgeAll(own.rules, occasion, [{ userId, displayName: undefined }])
    if (alike?.outcome?.notify !== true) return undefined
    const { actions } = alike.outcome
    const shown = (type: string, stateKey: string): JsonObject | undefined => {
      const found = row.strippedState.find(one => one['type'] === type && one['state_key'] === stateKey)
      return isJsonObject(found?.['content']) ? found['content'] : undefined
    }
    return {
      eventId,
      roomId,
      type: 'm.room.member',
      sender,
      stateKey: userId,
      content: isJsonObject(event['content']) ? event['content'] : {},
      senderDisplayName: text(shown('m.room.member', sender)?.['displayname']),
      roomName: text(shown('m.room.name', '')?.['name']),
      roomAlias: text(shown('m.room.canonical_alias', '')?.['alias']),
      actions,
    }
  }

  async #state(roomNid: number, type: string, stateKey: string): Promise<JsonObject | undefined> {
    const nid = await this.#read.state.point(roomNid, type, stateKey)
    const [stored] = nid === undefined ? [] : await this.#read.events.byNids([nid])
    return stored?.redactedBy === undefined ? stored?.event.content : undefined
  }
}
