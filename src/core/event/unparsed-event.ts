import { isJsonObject, type JsonObject } from '../json.ts'
import { memberText } from '../json-member.ts'
import { parseJson } from '../parse-json.ts'
import type { RoomVersion } from '../room-versions.ts'
import type { RoomEvent } from './event.ts'
import { trustedEvent } from './format.ts'

/** What of an event is known without looking into its text. */
export interface EventHead
  extends Pick<RoomEvent, 'eventId' | 'roomId' | 'type' | 'sender' | 'originServerTs'> {
  readonly stateKey: string
  readonly version: RoomVersion
}

/**
 * A state event of which the canonical text is at hand. Of tens of thousands most are only copied to where they are shown: the
 * text is parsed when somebody asks for what is not known without.
 */
export class UnparsedEvent implements RoomEvent {
  readonly eventId: string
  readonly roomId: string
  readonly version: RoomVersion
  readonly type: string
  readonly sender: string
  readonly stateKey: string
  readonly originServerTs: number
  readonly #text: string
  #parsed: RoomEvent | undefined
  #content: JsonObject | undefined

  /** @param text the event as it travels, canonical and trusted, as it was stored */
  constructor(head: EventHead, text: string) {
    this.eventId = head.eventId
    this.roomId = head.roomId
    this.version = head.version
    this.type = head.type
    this.sender = head.sender
    this.stateKey = head.stateKey
    this.originServerTs = head.originServerTs
    this.#text = text
  }

  /** Of the text, in characters. */
  get length(): number {
    return this.#text.length
  }

  /** The content as JSON text. */
  get contentText(): string {
    return memberText(this.#text, 'content') ?? '{}'
  }

  /** The event in the format of the client-server API as JSON text, without `room_id` and `unsigned`, and without the closing brace. */
  get clientText(): string {
    return (
      `{"content":${this.contentText},"event_id":${JSON.stringify(this.eventId)}` +
      `,"origin_server_ts":${this.originServerTs},"sender":${JSON.stringify(this.sender)}` +
      `,"state_key":${JSON.stringify(this.stateKey)},"type":${JSON.stringify(this.type)}`
    )
  }

  get content(): JsonObject {
    if (this.#content === undefined) {
      const content = parseJson(this.contentText)
      this.#content = isJsonObject(content) ? content : {}
    }
    return this.#content
  }

  get pdu(): JsonObject {
    return this.#whole.pdu
  }

  get depth(): number {
    return this.#whole.depth
  }

  get prevEvents(): readonly string[] {
    return this.#whole.prevEvents
  }

  get authEvents(): readonly string[] {
    return this.#whole.authEvents
  }

  /** State redacts nothing. */
  get redacts(): undefined {
    return undefined
  }

  get #whole(): RoomEvent {
    this.#parsed ??= trustedEvent(parseJson(this.#text) as JsonObject, this.eventId, this.version)
    return this.#parsed
  }
}
