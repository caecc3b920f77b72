import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { stateMapKey } from '../core/event/event.ts'
import { isJsonObject, type JsonValue } from '../core/json.ts'
import { roomVersion } from '../core/room-versions.ts'
import {
  type ResolutionInput,
  type ResolutionOutcome,
  resolveInput,
} from '../core/state-resolution/resolution-input.ts'
import { EXIT, type Host, say } from './host.ts'

/**
 * Replays state resolutions: a file with what the server logged about a reset (whole log lines, or their `resolution`
 * alone), from this server or another one. Shows what each side held, what came out, and which rules refused what.
 */
export const debugResolve = (host: Host, file: string): number => {
  const path = resolve(host.cwd, file)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    say(host, `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    return EXIT.failed
  }
  const inputs = readInputs(text)
  if (inputs.length === 0) {
    say(host, `${file} holds no resolution. Put the log line that tells of a reset into it, as JSON.`)
    return EXIT.failed
  }
  for (const input of inputs) {
    try {
      host.stdout.write(`${describe(input, resolveInput(input)).join('\n')}\n`)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      say(host, `This resolution cannot be replayed: ${error.message}`)
      return EXIT.failed
    }
  }
  return EXIT.ok
}

/** The whole text may be one, or any of its lines. */
const readInputs = (text: string): ResolutionInput[] => {
  const whole = inputIn(parsed(text))
  if (whole !== undefined) return [whole]
  return text.split('\n').flatMap(line => inputIn(parsed(line)) ?? [])
}

const parsed = (text: string): JsonValue | undefined => {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}

const inputIn = (value: JsonValue | undefined): ResolutionInput | undefined => {
  if (!isJsonObject(value)) return undefined
  const { resolution } = value
  if (typeof resolution === 'string') return inputIn(parsed(resolution))
  return isInput(value) ? value : undefined
}

const isInput = (value: object): value is ResolutionInput => {
  const { version, states, events, authDifference, conflictedSubgraph } = value as Record<string, unknown>
  const isTriple = (triple: unknown) =>
    Array.isArray(triple) && triple.length === 3 && triple.every(part => typeof part === 'string')
  return (
    typeof version === 'string' &&
    roomVersion(version) !== undefined &&
    Array.isArray(states) &&
    states.every((state: unknown) => Array.isArray(state) && state.every(isTriple)) &&
    Array.isArray(events) &&
    Array.isArray(authDifference) &&
    Array.isArray(conflictedSubgraph)
  )
}

const describe = (input: ResolutionInput, outcome: ResolutionOutcome): string[] => {
  const { version, states, events } = input
  const resolved = new Map(outcome.state.map(([type, key, id]) => [stateMapKey(type, key), id]))
  const points = new Map(
    states.flat().map(([type, key]) => [stateMapKey(type, key), `${type} ${JSON.stringify(key)}`]),
  )
  const sides = states.map(state => new Map(state.map(([type, key, id]) => [stateMapKey(type, key), id])))
  const lines = [`Room version ${version}, ${states.length} states, ${events.length} events.`]
  for (const [key, name] of points) {
    const held = sides.map(side => side.get(key))
    if (held.every(id => id === held[0])) continue
    lines.push(
      `${name}`,
      ...held.map((id, side) => `  side ${side + 1}: ${id ?? 'nothing'}`),
      `  comes out as ${resolved.get(key) ?? 'nothing'}`,
    )
  }
  for (const [eventId, rule, message] of outcome.refused)
    lines.push(`refused ${eventId}: ${message} (${rule})`)
  for (const { type, stateKey } of outcome.resets) lines.push(`RESET of ${type} ${JSON.stringify(stateKey)}`)
  if (outcome.missing.length > 0) lines.push(`not in the file: ${outcome.missing.join(' ')}`)
  return lines
}
