import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ConfigFlags, type LoadResult, loadConfig } from '../config/load.ts'
import { EXIT, type Host, say } from './host.ts'

export type LoadedConfig = Extract<LoadResult, { ok: true }>

/** Runs a command with its settings; without, if they are wrong: says what is, and answers the exit code. */
export const withConfig = async (
  host: Host,
  flags: ConfigFlags,
  command: (loaded: LoadedConfig) => number | Promise<number>,
): Promise<number> => {
  const loaded = loadConfig({ flags, env: host.env, cwd: host.cwd })
  if (loaded.ok) return command(loaded)
  say(host, ...loaded.errors)
  return EXIT.badConfig
}

/** A path as the user of the terminal would write it. */
export const shortPath = (host: Host, path: string): string => {
  const short = relative(host.cwd, path)
  return short !== '' && !short.startsWith('..') ? short : path
}

const quoted = (text: string): string =>
  /^[\w./:@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** How the program is called: where it is installed (there it is compiled), within a checkout, or from elsewhere. */
const program = (): string => {
  if (!import.meta.url.endsWith('.ts')) return 'tessera'
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const isWithin = !relative(root, process.cwd()).startsWith('..')
  return isWithin ? 'npx tessera' : `node ${quoted(join(root, 'bin/tessera.js'))}`
}

const PROGRAM = program()

/** A command to type for the same server: with the flags by which this one found its settings. */
export const twin = (command: string, { config, data }: ConfigFlags): string =>
  [
    `${PROGRAM} ${command}`,
    ...(config === undefined ? [] : [`--config ${quoted(config)}`]),
    ...(data === undefined ? [] : [`--data ${quoted(data)}`]),
  ].join(' ')
