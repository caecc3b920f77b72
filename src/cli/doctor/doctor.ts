import { type ConfigFlags, defaultConfig, loadConfig } from '../../config/load.ts'
import { signingKeyPath } from '../../config/locations.ts'
import type { Config } from '../../config/schema/index.ts'
import { readKeyFile } from '../../config/signing-key.ts'
import { signingKeyFromSeed } from '../../core/signing.ts'
import { EXIT, type Host } from '../host.ts'
import { positiveDuration } from '../positive.ts'
import { checkClientApi, checkClientWellKnown } from './client-side.ts'
import {
  checkAddresses,
  checkCertificate,
  checkClock,
  checkFederation,
  checkServedKeys,
  checkServerWellKnown,
  checkServices,
  type ExpectedKey,
} from './federation-side.ts'
import { explain, type Finding, fail, ok, skip, warn } from './finding.ts'
import { checkProxy } from './proxy-side.ts'
import { checkProviders } from './sign-in-side.ts'
import { checkDatabase, checkDisk, checkKeyFile, checkMail, checkPasswords } from './this-machine.ts'
import { createWorld, type World } from './world.ts'

export interface DoctorOptions {
  readonly json: boolean
  /** How long to wait for each answer, such as `10s`. */
  readonly patience: string
  /** The name of another server to look at. */
  readonly server?: string
}

type Findings = AsyncGenerator<Finding>

/**
 * Looks for what keeps a server from working, and says of each thing whether it is right, and else what to do. Answers
 * exit code 1 if anything is wrong.
 */
export const doctor = async (host: Host, flags: ConfigFlags, options: DoctorOptions): Promise<number> => {
  const findings: Finding[] = []
  const timeoutMs = positiveDuration('--patience', options.patience)
  for await (const finding of examine(host, flags, { server: options.server, timeoutMs })) {
    findings.push(finding)
    if (!options.json) host.stdout.write(lineOf(finding))
  }
  const count = (verdict: Finding['verdict']): number =>
    findings.filter(each => each.verdict === verdict).length
  const isWell = count('FAIL') === 0
  if (options.json) host.stdout.write(`${JSON.stringify({ ok: isWell, findings }, undefined, 2)}\n`)
  else host.stdout.write(`\n${count('FAIL')} wrong, ${count('WARN')} doubtful, ${count('OK')} right\n`)
  return isWell ? EXIT.ok : EXIT.failed
}

const lineOf = ({ verdict, subject, message, fix }: Finding): string =>
  `${verdict.padEnd(5)} ${subject.padEnd(18)} ${message}\n${fix === undefined ? '' : `      → ${fix}\n`}`

async function* examine(
  host: Host,
  flags: ConfigFlags,
  { server: otherServer, timeoutMs }: { readonly server: string | undefined; readonly timeoutMs: number },
): Findings {
  const loaded = loadConfig({ flags, env: host.env, cwd: host.cwd })
  if (!loaded.ok) {
    for (const error of loaded.errors)
      yield fail('settings', error, 'Correct the option; see docs/configuration.md.')
    if (otherServer === undefined) return
  }
  const config = loaded.ok ? loaded.config : defaultConfig(host.cwd)
  const world = createWorld(config, timeoutMs)
  try {
    if (otherServer !== undefined) {
      yield* examineFromOutside(world, otherServer, { expectedKeys: [] })
      return
    }
    yield ok('settings', loaded.ok && loaded.file !== undefined ? loaded.file : 'no settings file')
    for (const warning of loaded.ok ? loaded.warnings : []) {
      yield warn('settings', warning, 'If that is meant, there is nothing to do.')
    }
    yield* examineOurs(world, config, timeoutMs)
  } finally {
    await world.close()
  }
}

async function* examineOurs(world: World, config: Config, timeoutMs: number): Findings {
  yield checkDisk(config)
  yield checkKeyFile(config)
  yield await checkDatabase(config)
  yield await checkPasswords(config)
  yield await checkMail(config, timeoutMs)
  yield* checkProviders(config, timeoutMs)
  yield await checkOurClock(world, config)
  if (config.serverName === 'localhost' || !config.federation.enabled) {
    const reason = config.federation.enabled ? 'server_name is localhost' : 'federation.enabled is false'
    yield skip('federation', `${reason}: nobody else can reach this server`)
    yield await checkClientApi(world, config.publicBaseUrl ?? firstListener(config))
    return
  }
  yield* examineFromOutside(world, config.serverName, {
    expectedKeys: ourKeys(config),
    ...(config.publicBaseUrl === undefined ? {} : { publicBaseUrl: config.publicBaseUrl }),
  })
}

/** A clock is only ever wrong compared with another: that of a server which the operator trusts anyway. */
const checkOurClock = async (world: World, config: Config): Promise<Finding> => {
  const [other] = config.federation.trustedKeyServers
  if (other === undefined)
    return skip('clock', 'to compare it with that of another server: tessera doctor SERVER')
  try {
    return checkClock(other, (await checkFederation(world, await world.locate(other))).aheadMs)
  } catch (error) {
    return skip('clock', `${other}: ${explain(error)}`)
  }
}

async function* examineFromOutside(
  world: World,
  serverName: string,
  known: { expectedKeys: readonly ExpectedKey[]; publicBaseUrl?: string },
): Findings {
  yield await checkServerWellKnown(world, serverName)
  yield await checkServices(world, serverName)
  try {
    const target = await world.locate(serverName)
    yield await checkAddresses(world, target)
    yield await checkCertificate(world, target)
    const { finding, aheadMs } = await checkFederation(world, target)
    yield finding
    if (finding.verdict === 'OK') {
      if (known.expectedKeys.length === 0) yield checkClock(serverName, aheadMs)
      yield await checkServedKeys(world, target, serverName, known.expectedKeys)
    }
  } catch (error) {
    yield fail('federation', explain(error), 'Correct the server name, its delegation or its DNS records.')
  }
  const { finding, baseUrl } = await checkClientWellKnown(world, serverName, known.publicBaseUrl)
  yield finding
  const reached = await checkClientApi(world, known.publicBaseUrl ?? baseUrl)
  yield reached
  if (known.publicBaseUrl !== undefined && reached.verdict === 'OK')
    yield await checkProxy(world, known.publicBaseUrl, serverName)
}

const ourKeys = (config: Config): ExpectedKey[] => {
  try {
    return readKeyFile(signingKeyPath(config)).keys.map(({ keyId, seed }) => ({
      keyId,
      publicKey: signingKeyFromSeed(keyId, seed).publicKey,
    }))
  } catch {
    // Said already, by the check of the key file.
    return []
  }
}

const firstListener = ({ listeners }: Config): string | undefined => {
  const first = listeners.find(({ socket }) => socket === undefined)
  return (
    first &&
    `${first.tls ? 'https' : 'http'}://${first.host.includes(':') ? `[${first.host}]` : first.host}:${first.port}`
  )
}
