import type { StoredEvent } from '../../storage/rooms/events.ts'
import { type Answer, together } from '../answer.ts'
import type { JoinedNews } from './room-news.ts'
import { eventsPart, isNew } from './section-parts.ts'
import type { SyncRequest } from './sync-request.ts'
import type { SyncSource } from './sync-source.ts'

type Texts = readonly string[]

/** What the streams beside that of events have to tell of a room that the user is in. */
export class SectionSources {
  readonly #sources: readonly SyncSource[]

  constructor(sources: readonly SyncSource[]) {
    this.#sources = sources
  }

  /** The members of the room's section that come from them, as JSON text. */
  parts(request: SyncRequest, news: JoinedNews): Answer<string[]> {
    const told = together([
      this.#accountData(request, news),
      this.#ephemeral(request, news),
      together(this.#sources.map(source => source.roomMembers?.(request, news.roomNid) ?? [])),
    ])
    return told instanceof Promise ? told.then(partsOf) : partsOf(told)
  }

  /** The room's sticky events that are to be told, in its timeline or beside it. */
  sticky(request: SyncRequest, news: JoinedNews): Answer<readonly StoredEvent[]> {
    if (!isNew(request, news)) return news.extras?.sticky ?? []
    return this.#all(source => source.roomSticky?.(request, news, news.span.upTo))
  }

  /** An initial sync reads all account data at once; of a room that was joined since, the client may lack older data. */
  #accountData(request: SyncRequest, news: JoinedNews): Answer<Texts> {
    if (!isNew(request, news)) return news.extras?.accountData ?? []
    return this.#all(source => source.roomAccountData?.(request, news))
  }

  #ephemeral(request: SyncRequest, news: JoinedNews): Answer<Texts> {
    if (!news.whole) return news.extras?.ephemeral ?? []
    return this.#all(source => source.roomEphemeral?.(request, news))
  }

  async #all<T>(ask: (source: SyncSource) => Promise<readonly T[]> | undefined): Promise<T[]> {
    return (await Promise.all(this.#sources.map(source => ask(source) ?? []))).flat()
  }
}

const partsOf = ([accountData, ephemeral, members]: readonly [Texts, Texts, readonly Texts[]]): string[] => [
  eventsPart('account_data', accountData),
  eventsPart('ephemeral', ephemeral),
  ...members.flat(),
]
