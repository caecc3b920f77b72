import { boundedCache } from '../../../../core/caches.ts'
import { canonicalJsonAsRead } from '../../../../core/canonical-json.ts'
import { redactPdu } from '../../../../core/event/redaction.ts'
import type { StoredEvent } from '../../../../storage/rooms/events.ts'

/** Events' texts as they travel: made once, shared by all destinations. */
export class PduTexts {
  readonly #texts = boundedCache<string, string>('outgoing_events', { bytes: text => text.length })

  /** The canonical text of an event without `unsigned`, which is nobody else's business; redacted if it has been. */
  of({ nid, event, redactedBy }: StoredEvent): string {
    const key = `${nid} ${redactedBy ?? ''}`
    const known = this.#texts.get(key)
    if (known !== undefined) return known
    const pdu = redactedBy === undefined ? event.pdu : redactPdu(event.pdu, event.version)
    const { unsigned: _, ...sent } = pdu
    const text = canonicalJsonAsRead(sent)
    this.#texts.set(key, text)
    return text
  }
}
