import type { IncomingMessage } from 'node:http'
import test from 'ava'
import { addressKey } from '../core/address-key.ts'
import { createClientAddress, localConnections } from './client-address.ts'

const requestFrom = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage

test('the address of a client: forwarded ones count only as far as trusted proxies wrote them', t => {
  const direct = createClientAddress()
  t.is(direct(requestFrom('192.0.2.1', '203.0.113.9')), '192.0.2.1')
  t.is(direct(requestFrom('::ffff:192.0.2.1')), '192.0.2.1')
  const proxied = createClientAddress(['10.0.0.0/8', '2001:db8::1'])
  t.is(proxied(requestFrom('192.0.2.1', '203.0.113.9')), '192.0.2.1')
  t.is(proxied(requestFrom('10.1.1.1', 'spoofed, 203.0.113.9')), '203.0.113.9')
  t.is(proxied(requestFrom('::ffff:10.1.1.1', '203.0.113.9, 2001:db8::1')), '203.0.113.9')
  t.is(proxied(requestFrom('2001:db8::1', '2001:db8::2')), '2001:db8::2')
  t.is(proxied(requestFrom('10.1.1.1', 'nonsense')), '10.1.1.1')
  t.is(proxied(requestFrom('10.1.1.1')), '10.1.1.1')
  t.throws(() => createClientAddress(['10.0.0.0/99']))
})

test('limits by address take an IPv6 network of 64 bits for one client', t => {
  t.is(addressKey('2001:db8::1'), addressKey('2001:db8:0:0:ffff::2'))
  t.not(addressKey('2001:db8::1'), addressKey('2001:db8:0:1::1'))
  t.not(addressKey('192.0.2.1'), addressKey('192.0.2.2'))
})

test('over a UNIX socket the proxy says who asks', t => {
  const local = (forwarded?: string): IncomingMessage => {
    const request = requestFrom('', forwarded)
    localConnections.add(request.socket)
    return request
  }
  const addressOf = createClientAddress()
  t.is(addressOf(local('spoofed, 203.0.113.9')), '203.0.113.9')
  t.is(addressOf(local('nonsense')), '127.0.0.1')
  t.is(addressOf(local()), '127.0.0.1')
  t.is(createClientAddress(['10.0.0.0/8'])(local('203.0.113.9, 10.1.1.1')), '203.0.113.9')
  t.is(addressOf(requestFrom('', '203.0.113.9')), '', 'a connection that is gone proves nothing')
})
