import { isJsonObject, type JsonValue } from '../json.ts'
import type { Action } from './rule.ts'

/** What is to be done about an event that a rule matched. */
export interface Outcome {
  readonly notify: boolean
  readonly highlight: boolean
  /** What goes to push gateways beside the event. */
  readonly tweaks: Readonly<Record<string, JsonValue>>
  /** As clients are told (`GET /notifications`). */
  readonly actions: readonly Action[]
}

/** "Clients and homeservers MUST ignore these actions" of older versions. */
const HISTORICAL: ReadonlySet<unknown> = new Set(['dont_notify', 'coalesce'])

/** Strips what older versions knew. */
export const withoutHistorical = (actions: readonly Action[]): Action[] =>
  actions.filter(action => !HISTORICAL.has(action))

/** Why a client may not set these actions, if it may not: each is `notify` or sets a tweak. */
export const actionsProblem = (actions: readonly Action[]): string | undefined => {
  for (const action of withoutHistorical(actions)) {
    if (action === 'notify') continue
    if (!isJsonObject(action) || typeof action['set_tweak'] !== 'string') {
      return `There is no action ${JSON.stringify(action).slice(0, 100)}`
    }
  }
  return undefined
}

/** Reads the actions of a rule; what is not known is ignored. */
export const parseActions = (actions: readonly Action[]): Outcome => {
  const tweaks = new Map<string, JsonValue>()
  for (const action of actions) {
    if (!isJsonObject(action) || typeof action['set_tweak'] !== 'string') continue
    const { set_tweak: name, value } = action
    // "If a highlight tweak is given with no value, its value is defined to be true."
    const given = value ?? (name === 'highlight' ? true : undefined)
    if (given !== undefined) tweaks.set(name, given)
  }
  return {
    notify: actions.includes('notify'),
    highlight: tweaks.get('highlight') === true,
    tweaks: Object.fromEntries(tweaks),
    actions: withoutHistorical(actions),
  }
}
