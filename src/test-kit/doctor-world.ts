/** Servers for the doctor to look at. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { stringify } from 'yaml'
import type { Finding } from '../cli/doctor/finding.ts'
import { runProgram } from '../cli/program.ts'
import { readKeyFile } from '../config/signing-key.ts'
import { type SigningKey, signingKeyFromSeed, signJson } from '../core/signing.ts'
import { createFakeHost } from './command-line.ts'
import { type PeerOptions, ScriptedPeer } from './https-server.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { testAuthority } from './tls.ts'

const CORS = { 'access-control-allow-origin': '*' }

/** A server with everything in order; tests put something before it. */
export const startServer = async (t: ExecutionContext, options: PeerOptions = {}): Promise<ScriptedPeer> => {
  const peer = await ScriptedPeer.start({ portInName: false, ...options })
  t.teardown(() => peer.close())
  return peer
}

/** Answers as a server does with which nothing is wrong. */
export const inOrder = (peer: ScriptedPeer): void => {
  const { host } = peer
  peer.always('GET', '/.well-known/matrix/server', { json: { 'm.server': `${host}:443` } })
  peer.always('GET', '/_matrix/federation/v1/version', {
    json: { server: { name: 'Scripted', version: '1' } },
  })
  const client = { 'm.homeserver': { base_url: `https://${host}` } }
  peer.always('GET', '/.well-known/matrix/client', { json: client, headers: CORS })
  peer.always('GET', '/_matrix/client/versions', { json: { versions: ['v1.1', 'v1.19'] }, headers: CORS })
}

/** A directory with settings under which the names of the peers lead to them, and their authority is trusted. */
export const prepare = async (t: ExecutionContext, peers: readonly ScriptedPeer[], settings: object = {}) => {
  const cwd = temporaryDirectory(t)
  writeFileSync(join(cwd, 'ca.pem'), (await testAuthority()).pem)
  const federation = { hosts: Object.fromEntries(peers.map(peer => peer.hostsEntry)) }
  writeFileSync(join(cwd, 'homeserver.yaml'), stringify({ ca_file: 'ca.pem', federation, ...settings }))
  return cwd
}

/** What the doctor finds in a directory; each doubt has to have its remedy. */
export const examine = async (cwd: string, ...args: string[]) => {
  const host = createFakeHost(cwd)
  const code = await runProgram(host, ['doctor', '--json', '--patience', '2m', ...args])
  const { ok, findings } = JSON.parse(host.out()) as { ok: boolean; findings: Finding[] }
  for (const { verdict, fix } of findings) {
    if ((verdict === 'WARN' || verdict === 'FAIL') && !fix) throw new Error('a finding without a remedy')
  }
  const verdictOn = (subject: string) => findings.find(finding => finding.subject === subject)
  return { code, ok, findings, verdictOn }
}

/** Our own server, behind a name that leads to the peer; `published` is what it says its keys are. */
export const ourServer = async (
  t: ExecutionContext,
  published: (key: SigningKey, serverName: string) => object,
) => {
  const peer = await startServer(t)
  const settings = { server_name: peer.host, public_base_url: `https://${peer.host}/` }
  const cwd = await prepare(t, [peer], settings)
  const host = createFakeHost(cwd)
  await runProgram(host, ['keys', 'generate'])
  const { keys } = readKeyFile(join(cwd, 'data/signing.key'))
  peer.always('GET', '/_matrix/key/v2/server', {
    json: published(signingKeyFromSeed(keys[0].keyId, keys[0].seed), peer.host) as never,
  })
  inOrder(peer)
  const unknown = { status: 401, json: { errcode: 'M_UNKNOWN_TOKEN', error: 'Unknown token' } }
  peer.always('GET', '/_matrix/client/v3/account/whoami', unknown)
  const nowhere = { status: 404, json: { errcode: 'M_NOT_FOUND', error: 'No such room' } }
  peer.always('GET', `/_matrix/client/v3/directory/room/#doctor//:${peer.host}`, nowhere)
  return { cwd, peer }
}

/** The list of keys as a server signs it. */
export const honest = (key: SigningKey, serverName: string) =>
  signJson({ server_name: serverName, verify_keys: { [key.keyId]: { key: key.publicKey } } }, serverName, key)
