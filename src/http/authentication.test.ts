import test from 'ava'
import { parseXMatrix } from './authentication.ts'

const FULL = { origin: 'o.test', destination: 'd.test', keyId: 'ed25519:k', signature: 'AB+/' }

const ACCEPTED: readonly [what: string, header: string, expected: object][] = [
  ['quoted values', 'X-Matrix origin="o.test",destination="d.test",key="ed25519:k",sig="AB+/"', FULL],
  [
    'the scheme and names in any case',
    'x-MATRIX Origin="o.test",DESTINATION="d.test",Key="ed25519:k",SIG="AB+/"',
    FULL,
  ],
  ['tokens without quotes', 'X-Matrix origin=o.test,destination=d.test,key="ed25519:k",sig="AB+/"', FULL],
  ['colons without quotes', 'X-Matrix origin=o.test,destination=d.test,key=ed25519:k,sig=AB+/', FULL],
  [
    'ports without quotes',
    'X-Matrix origin=o.test:1,key=ed25519:k,sig=A',
    { origin: 'o.test:1', keyId: 'ed25519:k' },
  ],
  ['any order', 'X-Matrix sig="AB+/",key="ed25519:k",destination="d.test",origin="o.test"', FULL],
  ['blanks', 'X-Matrix   origin="o.test" ,\tdestination="d.test" , key="ed25519:k",  sig="AB+/" ', FULL],
  ['empty elements', 'X-Matrix ,origin=o.test, ,,destination=d.test,key=ed25519:k,sig=AB+/ , ,', FULL],
  ['escapes', 'X-Matrix origin="o\\.t\\est",destination="d.test",key="ed25519:k",sig="AB+/"', FULL],
  ['escaped quotes', 'X-Matrix origin="a\\"b\\\\",key=k,sig=s', { origin: 'a"b\\', keyId: 'k' }],
  ['commas in quotes', 'X-Matrix origin="a,b",key=k,sig=s', { origin: 'a,b', keyId: 'k' }],
  [
    'unknown parameters',
    'X-Matrix origin="o.test",destination="d.test",key="ed25519:k",x=y,sig="AB+/"',
    FULL,
  ],
  ['no destination', 'X-Matrix origin=o,key=k,sig=s', { origin: 'o', destination: undefined }],
  ['the long name of the signature', 'X-Matrix origin=o,key=k,signature=s', { signature: 's' }],
]

for (const [what, header, expected] of ACCEPTED) {
  test(`X-Matrix with ${what}`, t => {
    t.like(parseXMatrix(header), expected)
  })
}

test('X-Matrix: what is no such header is none', t => {
  const refused = [
    '',
    'X-Matrix',
    'X-Matrix ',
    'Bearer origin=o,key=k,sig=s',
    'X-Matrixorigin=o,key=k,sig=s',
    'X-Matrix origin=o,key=k',
    'X-Matrix origin="",key=k,sig=s',
    'X-Matrix origin=o,origin=p,key=k,sig=s',
    'X-Matrix origin="o,key=k,sig=s',
    'X-Matrix origin="o"p,key=k,sig=s',
    'X-Matrix origin=o key=k sig=s',
    'X-Matrix =o,key=k,sig=s',
  ]
  t.deepEqual(
    refused.filter(header => parseXMatrix(header) !== undefined),
    [],
  )
})
