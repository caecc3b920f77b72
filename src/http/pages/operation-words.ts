import type { PageWords } from '../../core/page-words/index.ts'

/** What a client wants to do (method and path), in words for whoever is to confirm it. */
export const operationWords = (operation: string, { providers: say }: PageWords): string => {
  const [, path = ''] = operation.split(' ')
  if (/\/(delete_devices|devices\/[^/]+)$/.test(path)) return say.removeSessions
  if (path.endsWith('/account/deactivate')) return say.deactivate
  if (path.endsWith('/login/get_token')) return say.letIn
  return path.endsWith('/keys/device_signing/upload') ? say.resetKeys : say.changeAccount
}
