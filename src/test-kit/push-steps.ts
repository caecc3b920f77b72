import fc from 'fast-check'

/** Who takes part, each in the one room. */
export const USERS = ['@alice:here.test', '@bob:here.test', '@carol:here.test'] as const
export type User = (typeof USERS)[number]

/** What may happen; numbers choose among what there is. */
export type Step =
  | { readonly does: 'say'; readonly who: User; readonly mentions: User | undefined; readonly body: string }
  | { readonly does: 'thread' | 'relate' | 'redact'; readonly who: User; readonly about: number }
  | {
      readonly does: 'read'
      readonly who: User
      readonly about: number
      readonly isPrivate: boolean
      readonly isThreaded: boolean
    }
  | { readonly does: 'go' | 'mute' | 'listen'; readonly who: User }
  | { readonly does: 'hush' | 'ignore'; readonly who: User; readonly whom: User }
  | { readonly does: 'pause' | 'resume' | 'age' }

/** What somebody may listen for. */
export const KEYWORD = 'tea'

const who = fc.constantFrom(...USERS)
/** Counted from the newest: mostly something of a moment ago, so that relations form chains. */
const about = fc.oneof({ weight: 3, arbitrary: fc.nat(1) }, { weight: 2, arbitrary: fc.nat(1_000) })
/** Any of them, as often as tells most. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('say'),
      who,
      mentions: fc.option(who, { nil: undefined }),
      body: fc.constantFrom('x', 'x', KEYWORD),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constantFrom('thread', 'relate', 'relate', 'redact'), who, about }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('read'),
      who,
      about,
      isPrivate: fc.boolean(),
      isThreaded: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ does: fc.constantFrom('go', 'go', 'mute', 'listen'), who }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('hush', 'ignore'), who, whom: who }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('pause', 'pause', 'resume', 'resume', 'age') }) },
)
