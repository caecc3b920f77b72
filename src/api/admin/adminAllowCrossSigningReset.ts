import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

export const adminAllowCrossSigningReset = endpoint(
  'adminAllowCrossSigningReset',
  async ({ path }, { accounts, encryption }) => {
    await accounts.administered.one(path.userId)
    if (!(await encryption.crossSigning.hasMaster(path.userId)))
      throw new MatrixError('M_NOT_FOUND', 'The user has no master key.')
    const until = await accounts.oauth.keyResets.approve(path.userId, undefined)
    return { updatable_without_uia_before_ms: until }
  },
)
