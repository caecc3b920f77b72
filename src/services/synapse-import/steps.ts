import { lastSteps, roomSteps } from './rooms/steps.ts'
import type { ImportStep } from './step.ts'
import { users } from './users.ts'

/** All steps of the import, in their order: what refers to something comes after it. */
export const importSteps: readonly ImportStep[] = [users, ...roomSteps, ...lastSteps]
