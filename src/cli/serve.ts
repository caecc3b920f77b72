import { readFileSync } from 'node:fs'
import { prepareDataDirectory } from '../config/data-directory.ts'
import { type ConfigFlags, loadConfig } from '../config/load.ts'
import { databaseLocation } from '../config/locations.ts'
import { createLog, type RootLog } from '../config/logging.ts'
import { changedOptions, reloaded } from '../config/reload.ts'
import type { Config } from '../config/schema/index.ts'
import { programVersion } from '../config/version.ts'
import { collectGarbageOfStart } from '../garbage-of-start.ts'
import { trustedRoots } from '../network/trust.ts'
import { type BannerFacts, banner, firstStartBanner } from './banner.ts'
import { passOverRotation, takeHangups } from './hangups.ts'
import { EXIT, type Host, say } from './host.ts'
import type { Server } from './ports.ts'
import { type LoadedConfig, shortPath, withConfig } from './settings.ts'
import { startFailure } from './start-errors.ts'
import { createNotifier } from './systemd.ts'

/** How long requests and commits may take to finish after the first signal. systemd kills after 90 s. */
const GRACE_MS = 30_000

/** Starts the server and runs it until a signal stops it. Answers the exit code. */
export const serve = (host: Host, flags: ConfigFlags): Promise<number> =>
  withConfig(host, flags, async loaded => {
    const { supervision } = host.cluster ?? {}
    if (supervision !== undefined) return (await import('./work.ts')).work(host, supervision, flags)
    if (loaded.config.workers > 1 && host.cluster !== undefined)
      return (await import('./supervise.ts')).supervise(host, host.cluster, flags)
    const log = createLog(loaded.config.logging, host.stdout)
    const crash = (error: unknown): number => {
      log.fatal({ err: error }, 'a fault of the program ends it')
      return EXIT.failed
    }
    host.onCrash(error => host.exit(crash(error)))
    const signals = stopSignals(host, log)
    const hangups = takeHangups(host)
    passOverRotation(host, log)
    const notifier = createNotifier(host)
    try {
      const server = await start(host, flags, loaded, log)
      hangups.answerBy(reloading(host, flags, { log, server, config: loaded.config }))
      signals.up()
      await notifier.ready()
      await signals.stop
      await notifier.stopping()
      return await close(host, log, server)
    } catch (error) {
      const reason = startFailure(error)
      if (reason === undefined) return crash(error)
      say(host, reason)
      return EXIT.failed
    } finally {
      notifier.end()
    }
  })

const start = async (host: Host, flags: ConfigFlags, loaded: LoadedConfig, log: RootLog): Promise<Server> => {
  const { config } = loaded
  const prepared = prepareDataDirectory(config, loaded.file)
  const server = await (await host.loadServer()).createServer(config, { log })
  try {
    const { urls } = await server.listen()
    const warnings = [...loaded.warnings, ...prepared.warnings]
    await announce(host, log, server, factsOf(host, flags, loaded, { ...prepared, warnings, urls }))
    setImmediate(() => {
      readRoots(config)
      collectGarbageOfStart()
    })
    return server
  } catch (error) {
    await server.close()
    throw error
  }
}

/** Reads the certificate authorities, which takes some 100 ms: better now than when somebody waits for another server. */
const readRoots = ({ caFile }: Config): void => {
  try {
    trustedRoots(caFile === undefined ? undefined : readFileSync(caFile, 'utf8'))
  } catch {
    // Whoever needs them says what is wrong.
  }
}

/**
 * The signals to stop. The first resolves `stop` once the server is up, and before that ends the process: whatever a
 * start does is safe to break off. The second ends it at once.
 */
const stopSignals = (host: Host, log: RootLog): { stop: Promise<void>; up(): void } => {
  const { promise: stop, resolve } = Promise.withResolvers<void>()
  let received = 0
  let isUp = false
  // On a terminal a hangup means that its window was closed; elsewhere, that the settings are to be read again.
  const signals = ['SIGTERM', 'SIGINT', ...(host.stdout.isTTY ? (['SIGHUP'] as const) : [])] as const
  for (const signal of signals) {
    host.onSignal(signal, () => {
      received += 1
      log.info({ signal }, 'stopping')
      if (received > 1) host.exit(EXIT.failed)
      else if (isUp) resolve()
      else host.exit(EXIT.ok)
    })
  }
  return {
    stop,
    up: () => {
      isUp = true
    },
  }
}

const close = async (host: Host, log: RootLog, server: Server): Promise<number> => {
  const impatience = setTimeout(() => {
    log.error({ seconds: GRACE_MS / 1000 }, 'stopping took too long')
    host.exit(EXIT.failed)
  }, GRACE_MS)
  await server.close()
  clearTimeout(impatience)
  log.info({}, 'stopped')
  return EXIT.ok
}

const factsOf = (
  host: Host,
  flags: ConfigFlags,
  { config, file }: LoadedConfig,
  found: Pick<BannerFacts, 'created' | 'warnings' | 'urls'>,
): BannerFacts => {
  const short = (path: string): string => shortPath(host, path)
  const database = databaseLocation(config)
  const { settings = file, signingKey } = found.created
  return {
    ...found,
    version: programVersion(),
    nodeVersion: process.version,
    config,
    flags,
    created: {
      ...(found.created.settings === undefined ? {} : { settings: short(found.created.settings) }),
      ...(signingKey === undefined ? {} : { signingKey: short(signingKey) }),
    },
    ...(settings === undefined ? {} : { settings: short(settings) }),
    database:
      database.kind === 'sqlite'
        ? short(database.path)
        : `PostgreSQL on ${new URL(database.url).hostname || 'a local socket'}`,
  }
}

/** The banner goes to standard error: on a terminal it is read there, and the log stays pure JSON elsewhere. */
const announce = async (host: Host, log: RootLog, server: Server, facts: BannerFacts): Promise<void> => {
  const { firstStart } = server
  say(
    host,
    firstStart === undefined ? banner(facts, await server.stats()) : firstStartBanner(facts, firstStart),
  )
  if (host.stdout.isTTY) return
  for (const warning of facts.warnings) log.warn({}, warning)
  log.info({ version: facts.version, serverName: facts.config.serverName, urls: facts.urls }, 'listening')
}

/** What reads the settings again. With errors in them, everything stays as it is. */
const reloading = (
  host: Host,
  flags: ConfigFlags,
  running: { log: RootLog; server: Server; config: Config },
): (() => void) => {
  const { log, server } = running
  let { config } = running
  return () => {
    const loaded = loadConfig({ flags, env: host.env, cwd: host.cwd })
    if (!loaded.ok) {
      log.error({ errors: loaded.errors }, 'the new settings are wrong; the old ones stay in effect')
      return
    }
    const changes = changedOptions(config, loaded.config)
    config = reloaded(config, loaded.config)
    log.setLevel(config.logging.level)
    server.reconfigure?.(config)
    log.info({ changed: changes.live, needRestart: changes.restart }, 'settings read again')
  }
}
