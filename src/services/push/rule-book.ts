import { boundedCache } from '../../core/caches.ts'
import { parseJson } from '../../core/canonical-json.ts'
import { isJsonObject } from '../../core/json.ts'
import { type CompiledRules, compileRules } from '../../core/push-rules/compile.ts'
import { NO_RULES, type UserRules } from '../../core/push-rules/rule.ts'
import type { Database } from '../../storage/database.ts'
import { PushRulesReader, type PushSettings } from '../../storage/push/push-rules.ts'
import { parseUserRules } from './user-rules.ts'

/** What decides what notifies a user. */
export interface RulesOfUser {
  /** The same object for all who have set the same. */
  readonly rules: CompiledRules
  /** The same as they are stored. */
  readonly own: UserRules
  /** Whose events do not exist for the user (module "Ignoring Users"). */
  readonly ignored: ReadonlySet<string>
}

/** So many changes of rules are remembered. */
const MAX_CHANGED = 200

const NOBODY: ReadonlySet<string> = new Set()
const DEFAULTS: RulesOfUser = { rules: compileRules(NO_RULES), own: NO_RULES, ignored: NOBODY }

/** The rules of all users, read and kept in memory while nobody changes them. */
export class RuleBook {
  readonly #db: Database
  readonly #read: PushRulesReader
  readonly #users = boundedCache<string, RulesOfUser>('push_rules')
  readonly #compiled = boundedCache<string, Omit<RulesOfUser, 'ignored'>>('compiled_push_rules')
  #position: number
  #edition = 0
  /** Whose rules have changed last, the newest at the end. */
  #changed: string[] = []

  constructor(db: Database) {
    this.#db = db
    this.#read = new PushRulesReader(db)
    this.#position = db.position('account_data')
  }

  /** Counts changes: what was made of the rules of an earlier edition is out of date. */
  get edition(): number {
    return this.#edition
  }

  /** Whose rules have changed since an edition; `undefined` where that is not known any more. */
  changedSince(edition: number): readonly string[] | undefined {
    const count = this.#edition - edition
    return count > this.#changed.length ? undefined : this.#changed.slice(this.#changed.length - count)
  }

  /** Takes note of what has changed since the last time. */
  async refresh(): Promise<void> {
    const upTo = this.#db.position('account_data')
    if (upTo <= this.#position) return
    for (const userId of await this.#read.touched(this.#position, upTo)) {
      this.#edition += 1
      this.#changed.push(userId)
      this.#users.delete(userId)
    }
    if (this.#changed.length > MAX_CHANGED) this.#changed = this.#changed.slice(-MAX_CHANGED / 2)
    this.#position = upTo
  }

  /** The rules of users, in the order given. */
  async of(userIds: readonly string[]): Promise<RulesOfUser[]> {
    const edition = this.#edition
    const missing = userIds.filter(userId => !this.#users.has(userId))
    const loaded = new Map<string, RulesOfUser>()
    if (missing.length > 0) {
      for (const settings of await this.#read.settings(missing)) {
        loaded.set(settings.userId, this.#entry(settings))
      }
      for (const userId of missing) {
        const own = loaded.get(userId) ?? DEFAULTS
        loaded.set(userId, own)
        // What was read while rules changed may be old.
        if (edition === this.#edition) this.#users.set(userId, own)
      }
    }
    return userIds.map(userId => loaded.get(userId) ?? this.#users.get(userId) ?? DEFAULTS)
  }

  #entry({ rules, ignored }: PushSettings): RulesOfUser {
    return {
      ...(rules === undefined ? DEFAULTS : this.#compile(rules)),
      ignored: ignored === undefined ? NOBODY : ignoredUsers(ignored),
    }
  }

  #compile(text: string): Omit<RulesOfUser, 'ignored'> {
    const known = this.#compiled.get(text)
    if (known !== undefined) return known
    const own = parseUserRules(text)
    const compiled = { rules: compileRules(own), own }
    this.#compiled.set(text, compiled)
    return compiled
  }
}

/** Clients write this as they like: what has not the right form ignores nobody. */
const ignoredUsers = (text: string): ReadonlySet<string> => {
  const content: unknown = parseJson(text)
  const users = isJsonObject(content) ? content['ignored_users'] : undefined
  return isJsonObject(users) ? new Set(Object.keys(users)) : NOBODY
}
