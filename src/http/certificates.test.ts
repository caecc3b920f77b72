import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import test from 'ava'
import type { Log } from '../core/log.ts'
import { silentLog } from '../core/log.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { createAuthority } from '../test-kit/tls.ts'
import { CertificateRenewal, readCertificate } from './certificates.ts'
import { openListener } from './listener.ts'

test('a certificate that was renewed is used for new connections, one that is broken is not', async t => {
  const authority = await createAuthority()
  const directory = temporaryDirectory(t)
  const files = { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
  const put = async (name: string): Promise<void> => {
    const { cert, key } = await authority.issue([name])
    writeFileSync(files.certificate, cert)
    writeFileSync(files.key, key)
  }
  await put('first.test')
  const texts = readCertificate(files)
  const listener = await openListener({ handler: () => {}, host: '127.0.0.1', port: 0, tls: texts })
  t.teardown(() => listener.close(0))
  const clock = new FakeClock()
  const errors: string[] = []
  const log: Log = { ...silentLog, error: (_, message) => void errors.push(message) }
  const renewal = new CertificateRenewal({ clock, log })
  renewal.add(listener, files, texts)
  t.teardown(() => renewal.close())
  const shown = async (): Promise<string | undefined> => {
    const socket = connect({
      host: '127.0.0.1',
      port: listener.port,
      ca: authority.pem,
      rejectUnauthorized: false,
    })
    await once(socket, 'secureConnect')
    const { subjectaltname } = socket.getPeerCertificate()
    socket.destroy()
    return subjectaltname
  }
  t.is(await shown(), 'DNS:first.test')
  await put('second.test')
  await clock.advance(3_600_000)
  t.is(await shown(), 'DNS:second.test')
  writeFileSync(files.certificate, 'nothing')
  renewal.renew()
  t.is(await shown(), 'DNS:second.test')
  t.is(errors.length, 1)
})

test('that a certificate expires is said once a day', async t => {
  const authority = await createAuthority()
  const directory = temporaryDirectory(t)
  const files = { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
  const { cert, key } = await authority.issue(['old.test'])
  writeFileSync(files.certificate, cert)
  writeFileSync(files.key, key)
  const listener = await openListener({ handler: () => {}, host: '127.0.0.1', port: 0, tls: { cert, key } })
  t.teardown(() => listener.close(0))
  const { validFrom, validTo } = new X509Certificate(cert)
  const lifetime = Date.parse(validTo) - Date.parse(validFrom)
  const day = 86_400_000
  const soon = Math.min(14 * day, lifetime / 4)
  const told: string[] = []
  const log: Log = {
    ...silentLog,
    warn: (fields, message) => void told.push(`${message} ${String(fields['expires'])}`),
    error: (_, message) => void told.push(message),
  }
  const madeAt = (now: number): CertificateRenewal => {
    const renewal = new CertificateRenewal({ clock: new FakeClock(now), log })
    renewal.add(listener, files, { cert, key })
    t.teardown(() => renewal.close())
    return renewal
  }
  madeAt(Date.parse(validTo) - soon - 1).renew()
  t.deepEqual(told, [])
  madeAt(Date.parse(validTo) - soon).renew()
  const expires = new Date(validTo).toISOString()
  t.deepEqual(told.splice(0), [`a certificate expires soon, and nothing has renewed it ${expires}`])
  madeAt(Date.parse(validTo)).renew()
  t.deepEqual(told, ['a certificate has expired, and nothing has renewed it'])
})

test('where there is no HTTPS there is nothing to renew', async t => {
  const listener = await openListener({ handler: () => {}, host: '127.0.0.1', port: 0 })
  t.teardown(() => listener.close(0))
  t.throws(() => listener.useCertificate({ cert: '', key: '' }), { message: /no use/ })
})
