import type { Services } from '../services/index.ts'

type RegistrationToken = Awaited<ReturnType<Services['accounts']['registrationTokens']['get']>>

/** A registration token as administrators see it. */
export const administeredToken = ({
  token,
  usesAllowed,
  pending,
  completed,
  expiresTs,
}: RegistrationToken) => ({
  token,
  uses_allowed: usesAllowed ?? null,
  pending,
  completed,
  expiry_time: expiresTs ?? null,
})
