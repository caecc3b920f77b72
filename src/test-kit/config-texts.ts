/** Settings as they are read from texts. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type LoadOptions, loadConfig } from '../config/load.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** Loads settings from a file with this text, in a directory of its own. */
export const load = (t: ExecutionContext, text?: string | Buffer, options: Partial<LoadOptions> = {}) => {
  const cwd = temporaryDirectory(t)
  if (text !== undefined) writeFileSync(join(cwd, 'homeserver.yaml'), text)
  return { cwd, result: loadConfig({ env: {}, cwd, ...options }) }
}

/** What is wrong with settings; nothing if they are right. */
export const errorsOf = (
  t: ExecutionContext,
  text?: string | Buffer,
  options: Partial<LoadOptions> = {},
): readonly string[] => {
  const { result } = load(t, text, options)
  return result.ok ? [] : result.errors
}

/** Right settings, as read; throws what is wrong with them. */
export const configOf = (t: ExecutionContext, text?: string, options: Partial<LoadOptions> = {}) => {
  const { cwd, result } = load(t, text, options)
  if (!result.ok) throw new Error(result.errors.join('\n'))
  return { cwd, ...result }
}
