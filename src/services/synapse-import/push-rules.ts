import { isJsonObject } from '../../core/json.ts'
import { actionsProblem, withoutHistorical } from '../../core/push-rules/actions.ts'
import type {
  Action,
  DefaultChange,
  OwnRule,
  RuleCondition,
  RuleKind,
  UserRules,
} from '../../core/push-rules/rule.ts'
import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { placeholders } from '../../storage/synapse/source.ts'
import { isOfServer, jsonOf } from './readable.ts'
import type { ImportWorld } from './step.ts'
import { tableStep } from './table-step.ts'

interface RuleRow {
  readonly user_name: string
  readonly rule_id: string
  readonly priority_class: number
  readonly priority: number
  readonly conditions: string
  readonly actions: string
}

interface EnabledRow {
  readonly user_name: string
  readonly rule_id: string
  readonly enabled: number
}

/** How Synapse numbers the kinds; -1 is a predefined rule with other actions. */
const KINDS: ReadonlyMap<number, RuleKind> = new Map([
  [5, 'override'],
  [4, 'content'],
  [3, 'room'],
  [2, 'sender'],
  [1, 'underride'],
])

/** Push rules: people's own, and what they have changed about the predefined ones. */
export const pushRules = tableStep<{ user_name: string }>({
  name: 'push rules',
  table: 'push_rules',
  query: () => ({
    from: '(SELECT user_name FROM push_rules UNION SELECT user_name FROM push_rules_enable) r',
    columns: ['user_name'],
    key: ['user_name'],
  }),
  pageSize: 100,
  begin: (world, progress) => {
    const insert = new BulkInsert(world.db, 'push_rules', ['user_id', 'rules', 'position'])
    return async rows => {
      const names = rows.map(row => row.user_name).filter(name => isOfServer(name, world.serverName))
      const of = await settingsOf(world, names)
      const sets = names.map(name => ({ name, ...rulesOf(of.rules.get(name), of.enabled.get(name)) }))
      progress.came(
        'push rules of users',
        sets.reduce((sum, set) => sum + set.count, 0),
      )
      progress.left(
        'push rules of users that cannot be read',
        sets.reduce((sum, set) => sum + set.unread, 0),
      )
      return [
        insert.rows(
          sets.map(({ name, rules }, offset) => ({
            user_id: name,
            rules: JSON.stringify(rules),
            position: { stream: 'account_data', offset },
          })),
        ),
      ]
    }
  },
})

const settingsOf = async ({ source }: ImportWorld, names: readonly string[]) => {
  if (names.length === 0)
    return { rules: new Map<string, RuleRow[]>(), enabled: new Map<string, EnabledRow[]>() }
  const rules = await source.all<RuleRow>(
    `SELECT user_name, rule_id, priority_class, priority, conditions, actions FROM push_rules
     WHERE user_name IN (${placeholders(names)}) ORDER BY user_name, priority_class DESC, priority DESC`,
    names,
  )
  const enabled = await source.all<EnabledRow>(
    `SELECT user_name, rule_id, enabled FROM push_rules_enable WHERE user_name IN (${placeholders(names)})`,
    names,
  )
  return {
    rules: Map.groupBy(rules, row => row.user_name),
    enabled: Map.groupBy(enabled, row => row.user_name),
  }
}

/** The rules of a user as we keep them; how many they are, and how many cannot be read. */
export const rulesOf = (
  rows: readonly RuleRow[] = [],
  switches: readonly EnabledRow[] = [],
): { rules: UserRules; count: number; unread: number } => {
  const enabled = new Map(switches.map(row => [row.rule_id, Number(row.enabled) !== 0]))
  const own: Partial<Record<RuleKind, OwnRule[]>> = {}
  const defaults: Record<string, DefaultChange> = {}
  let unread = 0
  for (const row of rows) {
    const actions = actionsOf(row)
    const kind = KINDS.get(row.priority_class)
    const shortId = lastPart(row.rule_id)
    if (actions !== undefined && row.priority_class === -1) defaults[shortId] = { actions }
    else {
      const rule = kind && actions && ownRule(kind, row, actions, enabled.get(row.rule_id) ?? true)
      if (kind === undefined || rule === undefined) unread += 1
      else own[kind] = [...(own[kind] ?? []), rule]
    }
  }
  for (const [ruleId, isOn] of enabled) {
    const shortId = lastPart(ruleId)
    if (shortId.startsWith('.')) defaults[shortId] = { ...defaults[shortId], enabled: isOn }
  }
  return { rules: { own, defaults }, count: rows.length - unread, unread }
}

/** `global/override/name` → `name`. */
const lastPart = (ruleId: string): string => ruleId.slice(ruleId.lastIndexOf('/') + 1)

const actionsOf = (row: RuleRow): readonly Action[] | undefined => {
  const actions = jsonOf(row.actions)
  if (!Array.isArray(actions)) return undefined
  const given = actions as readonly Action[]
  return actionsProblem(given) === undefined ? withoutHistorical(given) : undefined
}

const ownRule = (
  kind: RuleKind,
  row: RuleRow,
  actions: readonly Action[],
  enabled: boolean,
): OwnRule | undefined => {
  const read = jsonOf(row.conditions)
  const conditions = Array.isArray(read) && read.every(isJsonObject) ? read : undefined
  if (conditions === undefined) return undefined
  const rule = { rule_id: lastPart(row.rule_id), enabled, actions }
  const pattern = conditions[0]?.['pattern']
  if (kind === 'content') return typeof pattern === 'string' ? { ...rule, pattern } : undefined
  // "room" and "sender" rules are called by what they are about.
  if (kind === 'room' || kind === 'sender')
    return typeof pattern === 'string' ? { ...rule, rule_id: pattern } : undefined
  return conditions.every(({ kind: named }) => typeof named === 'string')
    ? { ...rule, conditions: conditions as unknown as readonly RuleCondition[] }
    : undefined
}
