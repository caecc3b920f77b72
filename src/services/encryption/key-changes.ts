import { MatrixError } from '../../core/errors.ts'
import { parseStreamToken, type StreamToken } from '../../core/stream-token.ts'
import type { DeviceListNews, DeviceListSpans } from './device-list-span.ts'

/** Answers `/keys/changes`. */
export class KeyChanges {
  readonly #spans: DeviceListSpans

  constructor(spans: DeviceListSpans) {
    this.#spans = spans
  }

  /**
   * Whose devices changed between two tokens of `/sync`, and with whom no room is shared any more.
   * @throws {MatrixError} `M_INVALID_PARAM`
   */
  async between(userId: string, from: string, to: string): Promise<DeviceListNews> {
    const [start, end] = [token('from', from), token('to', to)]
    return this.#spans.news(userId, {
      deviceLists: { after: start.device_lists ?? 0, upTo: end.device_lists ?? 0 },
      events: { after: start.events ?? 0, upTo: end.events ?? 0 },
    })
  }
}

const token = (name: string, text: string): StreamToken => {
  const parsed = parseStreamToken(text)
  if (parsed === undefined) throw new MatrixError('M_INVALID_PARAM', `${name} is not a token of this server`)
  return parsed
}
