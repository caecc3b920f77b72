import { parseJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { fitsBytes, MAX_ID_BYTES } from '../../core/ids.ts'
import { actionsProblem, withoutHistorical } from '../../core/push-rules/actions.ts'
import {
  carriedOver,
  type RulePlace,
  withChange,
  withoutRule,
  withRule,
} from '../../core/push-rules/changes.ts'
import {
  type Action,
  isRuleKind,
  NO_RULES,
  type PushRule,
  RULE_KINDS,
  type RuleCondition,
  type RuleKind,
  type Ruleset,
  type UserRules,
} from '../../core/push-rules/rule.ts'
import { ruleOf, rulesetOf } from '../../core/push-rules/ruleset.ts'
import type { Database } from '../../storage/database.ts'
import { PushRulesReader, PushRulesWriter } from '../../storage/push/push-rules.ts'
import { SerialQueue } from '../serial-queue.ts'

/** A rule as a client gives it. */
export interface GivenRule {
  readonly actions: readonly Action[]
  readonly conditions?: readonly RuleCondition[] | undefined
  readonly pattern?: string | undefined
}

/** Which rule is meant. */
export interface RuleName {
  readonly kind: string
  readonly ruleId: string
}

/** Every rule of these kinds is tried with every event; rooms and senders are looked up. */
const MAX_RULES: Readonly<Record<RuleKind, number>> = {
  override: 200,
  content: 200,
  postcontent: 0,
  underride: 200,
  room: 2_000,
  sender: 2_000,
}
const MAX_PATTERN_BYTES = 512
/** The same of all rules that are tried with every event, as JSON. */
const MAX_TRIED_BYTES = 128 * 1024
/** They are stored with each event that a rule notifies of, as JSON. */
const MAX_ACTIONS_BYTES = 4 * 1024
/** Of everything that a user has set, as JSON. */
const MAX_BYTES = 512 * 1024
/** Other processes change the same rules at the same time. */
const MAX_ATTEMPTS = 10

/** The push rules of local users (module "Push Notifications"). */
export class UserPushRules {
  readonly #db: Database
  readonly #read: PushRulesReader
  readonly #write: PushRulesWriter
  /** Clients change many rules at once. */
  readonly #turns = new SerialQueue()

  constructor(db: Database) {
    this.#db = db
    this.#read = new PushRulesReader(db)
    this.#write = new PushRulesWriter(db)
  }

  /** All rules, in the order in which they are tried. */
  async all(userId: string): Promise<Ruleset> {
    return rulesetOf((await this.#load(userId)).rules, userId)
  }

  /** One rule. Throws `M_NOT_FOUND`, `M_INVALID_PARAM`. */
  async one(userId: string, { kind, ruleId }: RuleName): Promise<PushRule> {
    const rule = ruleOf((await this.#load(userId)).rules, userId, kindOf(kind), ruleId)
    if (rule === undefined) throw notFound()
    return rule
  }

  /**
   * Adds or changes a rule of the user's own.
   *
   * Throws `M_INVALID_PARAM`, `M_MISSING_PARAM`; `M_UNKNOWN` if the rule that the place names is not there;
   * `M_USER_LIMIT_EXCEEDED`.
   */
  async put(userId: string, name: RuleName, given: GivenRule, place: RulePlace): Promise<void> {
    const kind = kindOf(name.kind)
    // "Clients MUST NOT be able to create custom rules with this push rule kind" (MSC4306).
    if (kind === 'postcontent') throw invalid('Nobody makes rules of this kind')
    checkRuleId(name.ruleId)
    const rule = { rule_id: name.ruleId, actions: checkedActions(given.actions), ...extras(kind, given) }
    await this.#change(userId, rules => {
      const changed = withRule(rules, kind, rule, place)
      if (changed === undefined) {
        const neighbour = place.before ?? place.after
        throw new MatrixError('M_UNKNOWN', `before/after rule not found: ${neighbour}`, { status: 400 })
      }
      if ((changed.own[kind]?.length ?? 0) > MAX_RULES[kind] || isTooMuchToTry(changed)) throw tooMany()
      return changed
    })
  }

  /** Removes a rule, or puts a predefined one back to how it was. Throws `M_NOT_FOUND`, `M_INVALID_PARAM`. */
  async remove(userId: string, { kind, ruleId }: RuleName): Promise<void> {
    await this.#change(userId, rules => withoutRule(rules, kindOf(kind), ruleId))
  }

  /** Throws `M_NOT_FOUND`, `M_INVALID_PARAM`. */
  async setEnabled(userId: string, { kind, ruleId }: RuleName, enabled: boolean): Promise<void> {
    await this.#change(userId, rules => withChange(rules, kindOf(kind), ruleId, { enabled }))
  }

  /** Throws `M_NOT_FOUND`, `M_INVALID_PARAM`. */
  async setActions(userId: string, { kind, ruleId }: RuleName, given: readonly Action[]): Promise<void> {
    const actions = checkedActions(given)
    await this.#change(userId, rules => withChange(rules, kindOf(kind), ruleId, { actions }))
  }

  /** The rules that a user has for a room hold for the room that replaces it, too (module "Room Upgrades"). */
  async carryOver(userId: string, oldRoomId: string, newRoomId: string): Promise<void> {
    const { text } = await this.#load(userId)
    if (text?.includes(JSON.stringify(oldRoomId)) !== true) return
    await this.#change(userId, rules => {
      const carried = carriedOver(rules, oldRoomId, newRoomId)
      const isTooMuch = RULE_KINDS.some(kind => (carried.own[kind]?.length ?? 0) > MAX_RULES[kind])
      return isTooMuch ? rules : carried
    })
  }

  /** The rules about subscriptions to threads (MSC4306) count from now on. */
  async followThreads(userId: string): Promise<void> {
    await this.#change(userId, rules => ({ ...rules, followsThreads: true }))
  }

  async #load(userId: string): Promise<{ rules: UserRules; text: string | undefined; position?: number }> {
    const row = await this.#read.ofUser(userId)
    if (row === undefined) return { rules: NO_RULES, text: undefined }
    return { rules: parseUserRules(row.rules), text: row.rules, position: row.position }
  }

  /** Changes what is stored; `undefined` means that there is no such rule. What changes nothing is no news. */
  #change(userId: string, change: (rules: UserRules) => UserRules | undefined): Promise<void> {
    return this.#turns.run(userId, () => this.#tryToChange(userId, change))
  }

  async #tryToChange(userId: string, change: (rules: UserRules) => UserRules | undefined): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { rules, text, position } = await this.#load(userId)
      const changed = change(rules)
      if (changed === undefined) throw notFound()
      const after = JSON.stringify(changed)
      if (after === text) return
      if (!fitsBytes(after, MAX_BYTES)) throw tooMany()
      const result = await this.#db.commit({ statements: [this.#write.set(userId, after, position)] })
      if (result.ok) return
    }
    throw new MatrixError('M_UNKNOWN', 'The rules are being changed by others all the time')
  }
}

/** Reads what is stored; it was written by this server. */
export const parseUserRules = (text: string): UserRules => parseJson(text) as unknown as UserRules

const notFound = (): MatrixError => new MatrixError('M_NOT_FOUND', 'The push rule was not found')
const tooMany = (): MatrixError => new MatrixError('M_USER_LIMIT_EXCEEDED', 'There are too many push rules')
const invalid = (message: string): MatrixError => new MatrixError('M_INVALID_PARAM', message)

const kindOf = (kind: string): RuleKind => {
  if (!isRuleKind(kind)) throw invalid('There is no such kind of rule')
  return kind
}

const checkRuleId = (ruleId: string): void => {
  // "If the string starts with a dot, the request MUST be rejected. Slashes and backslashes are also not allowed."
  if (ruleId.startsWith('.') || /[/\\\0]/.test(ruleId)) {
    throw invalid('A rule ID may not begin with a dot, nor contain slashes')
  }
  if (ruleId === '' || !fitsBytes(ruleId, MAX_ID_BYTES) || !ruleId.isWellFormed()) {
    throw invalid('A rule ID has 1 to 255 bytes')
  }
}

const isTooMuchToTry = ({ own: { override, content, underride } }: UserRules): boolean =>
  !fitsBytes(JSON.stringify([override, content, underride]), MAX_TRIED_BYTES)

const checkedActions = (actions: readonly Action[]): Action[] => {
  const problem = actionsProblem(actions)
  if (problem !== undefined) throw invalid(problem)
  if (!fitsBytes(JSON.stringify(actions), MAX_ACTIONS_BYTES))
    throw invalid(`The actions of a rule have at most ${MAX_ACTIONS_BYTES} bytes`)
  return withoutHistorical(actions)
}

const extras = (kind: RuleKind, { conditions = [], pattern }: GivenRule): Partial<PushRule> => {
  if (kind === 'content') {
    if (pattern === undefined) throw new MatrixError('M_MISSING_PARAM', 'A content rule needs a pattern')
    checkPattern(pattern)
    return { pattern }
  }
  if (kind !== 'override' && kind !== 'underride') return {}
  for (const condition of conditions) {
    if (condition.pattern !== undefined) checkPattern(condition.pattern)
  }
  return { conditions }
}

const checkPattern = (pattern: string): void => {
  if (!fitsBytes(pattern, MAX_PATTERN_BYTES)) {
    throw invalid(`A pattern has at most ${MAX_PATTERN_BYTES} bytes`)
  }
}
