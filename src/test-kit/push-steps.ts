import fc from 'fast-check'

/** Who takes part, each in the one room. */
export const USERS = ['@alice:here.test', '@bob:here.test', '@carol:here.test'] as const
export type User = (typeof USERS)[number]

/** What may happen; numbers choose among what there is. */
export type Step =
  | { readonly does: 'say'; readonly who: User; readonly mentions: User | undefined }
  | { readonly does: 'thread' | 'relate' | 'redact'; readonly who: User; readonly about: number }
  | {
      readonly does: 'read'
      readonly who: User
      readonly about: number
      readonly isPrivate: boolean
      readonly isThreaded: boolean
    }
  | { readonly does: 'go' | 'mute'; readonly who: User }
  | { readonly does: 'pause' | 'resume' }

const who = fc.constantFrom(...USERS)
/** Counted from the newest: mostly something of a moment ago, so that relations form chains. */
const about = fc.oneof({ weight: 3, arbitrary: fc.nat(1) }, { weight: 2, arbitrary: fc.nat(1_000) })
/** Any of them, as often as tells most. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant('say'), who, mentions: fc.option(who, { nil: undefined }) }),
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
  { weight: 3, arbitrary: fc.record({ does: fc.constantFrom('go', 'go', 'mute'), who }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('pause', 'resume') }) },
)
