import type { Migration } from './index.ts'

/**
 * Messages of ours are stored without our signature from here on, and signed when they go to another server. No table changes:
 * this keeps programs away that would hand them on as they are stored.
 */
export const signedOnTheWay: Migration = {
  name: '0035-signed-on-the-way',
  breaking: true,
  up: async () => {},
}
