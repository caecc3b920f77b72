import type { Pages } from '../pages.ts'
import { html, sendPage } from './layout.ts'

/** Adds `/`: what this is, for whoever opens the address in a browser. */
export const addLandingPage = (
  pages: Pages,
  options: { readonly serverName: string; readonly baseUrl: string },
): void => {
  pages.get('/', async context => {
    sendPage(
      context,
      200,
      options.serverName,
      html`<p>This is a <a href="https://matrix.org">Matrix</a> homeserver, run with Tessera.</p>
        <p>To chat, give a Matrix client this address as its homeserver:</p>
        <p><code>${options.baseUrl}</code></p>`,
    )
  })
}
