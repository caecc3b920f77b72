import test from 'ava'
import { Gathering } from './gathering.ts'

test('what comes meanwhile goes with the next batch, in order, none above the bound', async t => {
  const batches: number[][] = []
  const gathering = new Gathering<number>(async batch => {
    batches.push([...batch])
    if (batch[0] === 1) gathering.add(4)
    await Promise.resolve()
  }, 2)
  for (const item of [1, 2, 3]) gathering.add(item)
  t.deepEqual(batches, [], 'those of one turn go together')
  await gathering.settled()
  t.deepEqual(batches, [
    [1, 2],
    [3, 4],
  ])
  t.is(gathering.waiting, 0)
})

test('nothing is left behind, whenever it comes', async t => {
  // After so many steps of the event loop's own queue something more is added: before, while and after the batch ends.
  for (let steps = 0; steps < 12; steps++) {
    const seen: string[] = []
    const gathering = new Gathering<string>(async batch => {
      seen.push(...batch)
    })
    gathering.add('first')
    for (let step = 0; step < steps; step++) await Promise.resolve()
    gathering.add('second')
    await gathering.settled()
    t.deepEqual(seen, ['first', 'second'], `${steps} steps`)
  }
})
