import test from 'ava'
import { lifetimeOf } from './retention.ts'

const NOTHING = { defaultLifetime: undefined, shortest: undefined, longest: undefined }

test('how long messages live', t => {
  const cases: [
    content: unknown,
    settings: Partial<typeof NOTHING> | object,
    lifetime: number | undefined,
  ][] = [
    [undefined, {}, undefined],
    [{ max_lifetime: 1000 }, {}, 1000],
    [{ max_lifetime: 0 }, {}, 0],
    [undefined, { defaultLifetime: 5000 }, 5000],
    [{ max_lifetime: 1000 }, { defaultLifetime: 5000 }, 1000],
    [{ max_lifetime: 1000 }, { shortest: 2000 }, 2000],
    [{ max_lifetime: 9000 }, { longest: 8000 }, 8000],
    [{ min_lifetime: 7000 }, { defaultLifetime: 5000 }, 7000],
    [{ min_lifetime: 7000 }, {}, undefined],
    [{ min_lifetime: 2000, max_lifetime: 1000 }, { defaultLifetime: 5000 }, 5000],
    [{ max_lifetime: '1000' }, {}, undefined],
    [{ max_lifetime: -1 }, {}, undefined],
    ['nonsense', { defaultLifetime: 5000, longest: 10 }, 5000],
  ]
  for (const [content, settings, lifetime] of cases) {
    t.is(lifetimeOf(content, { ...NOTHING, ...settings }), lifetime, JSON.stringify([content, settings]))
  }
})
