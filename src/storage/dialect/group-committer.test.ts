import test from 'ava'
import { type CommitMeter, GroupCommitter, settle, type Waiting } from './group-committer.ts'

const set = { statements: [] }
const stored = { ok: true, positions: {}, returned: {} } as const

/** What a meter was told. */
class Told implements CommitMeter {
  readonly groups: number[] = []
  failures = 0

  committed(sets: number): void {
    this.groups.push(sets)
  }

  failed(): void {
    this.failures += 1
  }
}

const committer = (meter: CommitMeter, commit: (group: readonly Waiting[]) => Promise<number>) =>
  new GroupCommitter({ cap: 3, inFlight: 1, gathers: false, commit, meter })

test('a meter is told how many sets share each commit', async t => {
  const told = new Told()
  const commits = committer(told, async group => {
    settle(
      group,
      group.map(() => stored),
    )
    return group.length
  })
  const first = commits.add(set)
  await first
  await Promise.all(Array.from({ length: 5 }, () => commits.add(set)))
  await commits.close()
  t.deepEqual({ ...told }, { groups: [1, 3, 2], failures: 0 })
})

test('sets that fail are counted one by one, and those of a commit that fails are in no commit', async t => {
  const told = new Told()
  const commits = committer(told, async group => {
    if (group.length === 3) throw new Error('the disk is full')
    settle(group, [new Error('a constraint'), stored])
    return group.length
  })
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => commits.add(set)))
  await commits.close()
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected', 'rejected', 'fulfilled'],
  )
  t.deepEqual({ ...told }, { groups: [2], failures: 4 })
})

test('enough sets go at once, the rest of a turn with what else comes in it', async t => {
  const groups: number[] = []
  const commits = new GroupCommitter({
    ...{ cap: 64, inFlight: 8, gathers: true, enough: 3 },
    commit: async group => {
      groups.push(group.length)
      settle(
        group,
        group.map(() => stored),
      )
      return group.length
    },
  })
  const added = Array.from({ length: 8 }, () => commits.add(set))
  t.deepEqual(groups, [3, 3])
  await Promise.all(added)
  t.deepEqual(groups, [3, 3, 2])
})
