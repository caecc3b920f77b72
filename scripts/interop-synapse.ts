/**
 * `npm run interop:synapse`: Tessera against a Synapse of its own, in a virtual environment (no dependency of ours).
 * `npm run interop:synapse -- knock` tries only what has this in its name.
 */
import { interop } from './interop.ts'
import { installSynapse, startSynapse } from './synapse.ts'

const code = await interop({
  name: 'Synapse',
  roomVersion: '12',
  install: installSynapse,
  start: plan =>
    startSynapse({
      ...plan,
      // Whoever comes back is tried again at once: nobody waits for ten minutes here.
      settings: {
        federation: {
          destination_min_retry_interval: '1s',
          destination_max_retry_interval: '2s',
          // Within an attempt to send, too: by default it waits for up to a minute between tries, whoever is heard from.
          max_long_retry_delay: '1s',
        },
      },
    }),
  isComplaint: line => line !== '',
  deviations: {},
})
process.exit(code)
