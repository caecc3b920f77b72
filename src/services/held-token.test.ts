import test from 'ava'
import { POSITIONS_PER_IMPORTED } from '../core/imported-token.ts'
import { heldToken, type ImportedFrom } from './held-token.ts'

const MADE_NEW: ImportedFrom = { position: () => 0 }
const IMPORTED: ImportedFrom = { position: stream => (stream === 'imported' ? 1 : 0) }
const OF_SYNAPSE = {
  s123_17_338_6732_1_1_2_265_4_1_5: 265,
  'm123~4.130~2.125_17_0': undefined,
  'm123~_17_1_m5~_0_0_0_m9~_0': 9,
  't47-123_17_1_m5~1.7_0_0_0_m9~1.12_0': 9,
}

test('a token of Synapse says where its streams of events and device lists stood, where its data was imported', t => {
  for (const [text, device_lists] of Object.entries(OF_SYNAPSE))
    t.deepEqual(heldToken(text, IMPORTED), { events: 123 * POSITIONS_PER_IMPORTED, device_lists }, text)
  t.is(heldToken('t47--9_17', IMPORTED)?.events, 0)
  for (const text of ['s72594', 't5_1', 's1.5_7', 's123_1_2_3_4_5_6_x', `s${'9'.repeat(12)}_1`])
    t.is(heldToken(text, IMPORTED), undefined, text)
})

test('elsewhere it is nothing that this server has given out', t => {
  for (const text of [...Object.keys(OF_SYNAPSE), 's0_0_0_0_0_0_0_0_0_0'])
    t.is(heldToken(text, MADE_NEW), undefined, text)
})

test('ours is ours', t => {
  for (const from of [MADE_NEW, IMPORTED]) t.deepEqual(heldToken('s1.e5', from), { events: 5 })
})
