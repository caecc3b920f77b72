import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')

/** How a server is run: as `npm start` does, from the sources as they are, or as `npm run build` has made it. */
export type Form = 'start' | 'sources' | 'built'

/** What a server is started by, and with which setting it is that form of it. */
export const programOf = (form: Form): { readonly path: string; readonly bundle: string } => {
  const path = join(ROOT, 'bin/tessera.js')
  if (form === 'built') return { path, bundle: join(ROOT, 'dist/bundle/main.js') }
  if (form === 'sources') return { path, bundle: '' }
  const bundle = execFileSync(process.execPath, [join(ROOT, 'scripts/bundle.ts')], { encoding: 'utf8' })
  return { path, bundle: bundle.trim() }
}
