import { endpoint } from '../../http/endpoint.ts'

/** Historical versions whose endpoints we still answer, then every version up to the one that we implement. */
const VERSIONS = [
  ...['r0.0.1', 'r0.1.0', 'r0.2.0', 'r0.3.0', 'r0.4.0', 'r0.5.0', 'r0.6.0', 'r0.6.1'],
  ...Array.from({ length: 19 }, (_, index) => `v1.${index + 1}`),
]

export const getVersions = endpoint('getVersions', async () => ({
  versions: VERSIONS,
  unstable_features: {},
}))
