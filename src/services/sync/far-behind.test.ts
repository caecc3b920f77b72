import test from 'ava'
import { Sync, type SyncParts } from './sync.ts'

test('what is asked from a token of long ago, or of no position, is as much as all there is', t => {
  const sync = new Sync({
    watch: { position: 20_000 },
    db: { position: () => 0 },
    sources: [],
  } as unknown as SyncParts)
  const tellsMuch = (since: string | undefined, fullState = false) => sync.tellsMuch({ since, fullState })
  t.true(tellsMuch(undefined))
  t.true(tellsMuch('s1.e19999', true))
  t.true(tellsMuch('s1'))
  t.true(tellsMuch('s1.e14999'))
  t.false(tellsMuch('s1.e15000'))
  t.false(tellsMuch('s1.e20001'), 'of a process that is further')
  t.false(tellsMuch('nonsense'), 'it is refused')
})
