/**
 * What a group of test files imports first (`scripts/test-groups.ts`): the runner starts all tests of a file at once, which
 * for hundreds of them means as many servers and databases at a time, each the slower for it.
 */
import test from 'ava'
import { Turns } from './turns.ts'

/** Enough that there is something to do while tests wait, for a database or for another process. */
const turns = new Turns(6)
test.beforeEach(() => turns.take())
test.afterEach.always(() => turns.giveBack())
