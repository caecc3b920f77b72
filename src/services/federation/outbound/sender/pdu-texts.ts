import { LRUCache } from 'lru-cache'
import { canonicalJson } from '../../../../core/canonical-json.ts'
import { redactPdu } from '../../../../core/event/redaction.ts'
import type { StoredEvent } from '../../../../storage/rooms/events.ts'

/** Events' texts as they travel: made once, shared by all destinations. */
export class PduTexts {
  readonly #texts = new LRUCache<string, string>({ max: 2_000 })

  /** The canonical text of an event without `unsigned`, which is nobody else's business; redacted if it has been. */
  of({ nid, event, redactedBy }: StoredEvent): string {
    const key = `${nid} ${redactedBy ?? ''}`
    const known = this.#texts.get(key)
    if (known !== undefined) return known
    const pdu = redactedBy === undefined ? event.pdu : redactPdu(event.pdu, event.version)
    const { unsigned: _, ...sent } = pdu
    const text = canonicalJson(sent)
    this.#texts.set(key, text)
    return text
  }
}
