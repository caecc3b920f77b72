import { endpoint } from '../../http/endpoint.ts'
import type { SignatureUploadBody } from '../../services/encryption/signature-upload.ts'

export const uploadCrossSigningSignatures = endpoint(
  'uploadCrossSigningSignatures',
  async ({ requester, body }, { encryption }) => ({
    failures: await encryption.signatures.upload(requester.userId, body as SignatureUploadBody),
  }),
)
