import test from 'ava'
import { createAddressPolicy } from './address-policy.ts'

const NOT_PUBLIC = [
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.255',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.0.1',
  '192.168.0.1',
  '192.0.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'fe80::1%eth0',
  'fc00::1',
  'fd12:3456::1',
  'fec0::1',
  'ff02::1',
  '2001:db8::1',
  '100::1',
  '4000::1',
  '1::1',
]

/** Spellings and disguises of 127.0.0.1 and 10.0.0.1. */
const DISGUISED = [
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '127.1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '0:0:0:0:0:ffff:7f00:0001',
  '::127.0.0.1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::a00:1',
  '64:ff9b:1::10.0.0.1',
  '64:ff9b:1:a00:0:100::',
  '2002:7f00:1::',
  '2002:a00:1::1',
  '2001:0:a00:1::',
  '2001::f5ff:fffe',
]

const PUBLIC = ['1.1.1.1', '8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8']

test('by default public unicast is allowed, and nothing else, however it is written', t => {
  const policy = createAddressPolicy()
  for (const address of [...NOT_PUBLIC, ...DISGUISED]) t.false(policy.allows(address), address)
  for (const address of PUBLIC) t.true(policy.allows(address), address)
  for (const text of ['', 'localhost', '1.2.3.4/8', '1.2.3.4:80', '[::1]', '1.2.3.999'])
    t.false(policy.allows(text), text)
})

test('a list of ranges denies those, in every disguise', t => {
  const policy = createAddressPolicy({ deny: ['127.0.0.0/8', '10.0.0.1', 'fd00::/8'] })
  for (const address of [...DISGUISED, 'fd12::1']) t.false(policy.allows(address), address)
  for (const address of ['10.0.0.2', '192.168.0.1', '2002:c0a8:1::', 'fc00::1', ...PUBLIC]) {
    t.true(policy.allows(address), address)
  }
  const mapped = createAddressPolicy({ deny: ['::ffff:10.0.0.0/104'] })
  t.false(mapped.allows('10.1.2.3'))
  t.true(mapped.allows('11.1.2.3'))
})

test('an empty list denies nothing, and exceptions go before the rule', t => {
  const open = createAddressPolicy({ deny: [] })
  for (const address of ['127.0.0.1', '::1', '64:ff9b::a00:1']) t.true(open.allows(address), address)
  const policy = createAddressPolicy({
    deny: ['non-public', '8.8.8.0/24'],
    allow: ['10.1.0.0/16', '8.8.8.8'],
  })
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '8.8.8.8', '64:ff9b::a01:203'])
    t.true(policy.allows(address), address)
  for (const address of ['10.2.0.1', '8.8.8.9', '127.0.0.1']) t.false(policy.allows(address), address)
})

test('what is no range is refused by name', t => {
  for (const entry of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/', 'public']) {
    const error = t.throws(() => createAddressPolicy({ deny: [entry] }), { instanceOf: TypeError })
    t.true(error.message.includes(`"${entry}"`), entry)
  }
})
