import type { JsonObject } from '../json.ts'

/**
 * The kinds of push rules, in the order in which they are tried (module "Push Notifications"). `postcontent` is that of
 * MSC4306: nobody makes rules of it.
 */
export const RULE_KINDS = ['override', 'content', 'postcontent', 'room', 'sender', 'underride'] as const
export type RuleKind = (typeof RULE_KINDS)[number]

export const isRuleKind = (kind: string): kind is RuleKind => (RULE_KINDS as readonly string[]).includes(kind)

/** `notify`, or an object that sets a tweak. */
export type Action = string | JsonObject

/** A condition of a rule, as clients see it (`PushCondition`). */
export type RuleCondition = {
  readonly kind: string
  readonly key?: string | undefined
  readonly pattern?: string | undefined
  readonly is?: string | undefined
  readonly value?: string | number | boolean | null | undefined
  /** Of a condition on subscriptions to threads (MSC4306). */
  readonly subscribed?: boolean | undefined
}

/** A push rule as clients see it (`PushRule` of the client-server API). */
export type PushRule = {
  readonly rule_id: string
  readonly default: boolean
  readonly enabled: boolean
  /** As given: read by `parseActions`. */
  readonly actions: readonly Action[]
  /** Of `override` and `underride` rules. */
  readonly conditions?: readonly RuleCondition[]
  /** Of `content` rules. */
  readonly pattern?: string
}

/** All rules of a user, by kind, most important first (`PushRuleset`). `postcontent` is there for some alone. */
export type Ruleset = Readonly<Record<Exclude<RuleKind, 'postcontent'>, readonly PushRule[]>> & {
  readonly postcontent?: readonly PushRule[]
}

/** What a user has made of one of the server's rules. */
export interface DefaultChange {
  readonly enabled?: boolean
  readonly actions?: readonly Action[]
}

/**
 * What a user has set: their own rules, and how they changed the predefined ones. This is what is stored; two users
 * with the same settings differ only in whom the predefined rules speak of.
 */
export interface UserRules {
  /** By kind, most important first. */
  readonly own: Readonly<Partial<Record<RuleKind, readonly OwnRule[]>>>
  /** By rule ID. */
  readonly defaults: Readonly<Record<string, DefaultChange>>
  /** They subscribe to threads (MSC4306), so that the rules about that count. */
  readonly followsThreads?: true
}

/** A rule that a user made. */
export type OwnRule = Omit<PushRule, 'default'>

/** Of those who have changed nothing. */
export const NO_RULES: UserRules = { own: {}, defaults: {} }
