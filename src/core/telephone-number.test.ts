import test from 'ava'
import { telephoneNumber } from './telephone-number.ts'

test('a number is the same however it is dialled', t => {
  for (const [country, dialled, number] of [
    ['GB', '07700 900001', '447700900001'],
    ['gb', '7700900001', '447700900001'],
    ['DE', '+44 (7700) 900-001', '447700900001'],
    ['DE', '0044 7700 900001', '447700900001'],
    ['US', '(201) 555-0123', '12015550123'],
    ['CA', '1-201-555-0123', '12015550123'],
    ['IT', '06 6988 1234', '390669881234'],
    ['RU', '8 912 345-67-89', '79123456789'],
    ['BY', '8 029 123-45-67', '375291234567'],
    ['BY', '29 123-45-67', '375291234567'],
    ['BJ', '01 97 12 34 56', '2290197123456'],
    ['HU', '06 20 123 4567', '36201234567'],
    ['ES', '612 34 56 78', '34612345678'],
  ] as const)
    t.is(telephoneNumber(country, dialled), number, `${country} ${dialled}`)
})

test('what is no number, or of no country, is none', t => {
  for (const [country, dialled] of [
    ['GB', ''],
    ['GB', 'call me'],
    ['GB', '+'],
    ['GB', '1234+5678'],
    ['GB', '1'.repeat(20)],
    ['ZZ', '07700900001'],
    ['', '07700900001'],
  ] as const)
    t.is(telephoneNumber(country, dialled), undefined, `${country} ${dialled}`)
})
