import test from 'ava'
import { CHEAP_PASSWORDS } from '../../test-kit/accounts.ts'
import { DEFAULT_PASSWORD_OPTIONS, Passwords } from './passwords.ts'

const hashOfCost = (cost: string): string =>
  `$argon2id$v=19$${cost}$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g`

test('what a stored hash may cost is bounded, so that none takes the others’ turns', async t => {
  const passwords = new Passwords({ ...DEFAULT_PASSWORD_OPTIONS, ...CHEAP_PASSWORDS })
  t.false(await passwords.verify('password', '$argon2id$broken'), 'nor does one that cannot be read fail')
  // It would be computed for minutes, or fail for want of memory, if it were.
  for (const cost of ['m=8,t=100000000,p=1', 'm=4294967295,t=1,p=1', 'm=2048,t=1,p=255'])
    t.false(await passwords.verify('password', hashOfCost(cost)), cost)
})

test('hashes of dearer settings than today’s are still verified', async t => {
  const dear = new Passwords({ ...DEFAULT_PASSWORD_OPTIONS, memoryKib: 1024, iterations: 20, parallelism: 4 })
  const cheap = new Passwords({ ...DEFAULT_PASSWORD_OPTIONS, ...CHEAP_PASSWORDS })
  const hash = await dear.hash('password')
  t.true(await cheap.verify('password', hash))
  t.true(cheap.isOutdated(hash))
})

test('passwords that Synapse has hashed are right, and their hashes to be renewed', async t => {
  const hashed = [
    ['correct horse', undefined, '$2b$04$gGbMMJyMXDGyxEidpqUeqeamsexkZAqULQJAZh7TTia1eI5JgcTJO'],
    // It normalises to NFKC, and only the first 72 bytes count, pepper included.
    ['ﬁne pass', 'pepper', '$2b$04$wmEuhhjxhQHyMFpEXT3IauHAqTNn3Uaqb/zV.xu.U0lrrtnPYSK5K'],
    [`${'é'.repeat(35)}x€yz`, 'pepper', '$2b$04$HIbW1gSSwtHZxr4QDL51iOmqy2ZD44ICFN8Ra7u6S7h963BLEw/ce'],
  ] as const
  for (const [password, bcryptPepper, hash] of hashed) {
    const passwords = new Passwords({ ...DEFAULT_PASSWORD_OPTIONS, ...CHEAP_PASSWORDS, bcryptPepper })
    t.true(await passwords.verify(password, hash), password)
    t.false(await passwords.verify('another', hash))
    t.true(passwords.isOutdated(hash))
    const dear = hash.replace('$04$', '$31$')
    t.false(await passwords.verify(password, dear), 'one that would take days is not computed')
  }
})
