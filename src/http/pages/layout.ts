import { createHash } from 'node:crypto'
import { escapeHtml } from '../../core/escape-html.ts'
import type { PageContext } from '../pages.ts'

/** HTML that is safe to put into a page as it is. Made by `html` alone. */
export interface Html {
  readonly html: string
}

/** A template whose values are escaped, unless they are `Html` themselves. `undefined` is nothing. */
export const html = (
  parts: TemplateStringsArray,
  ...values: readonly (string | Html | undefined)[]
): Html => ({
  html: parts
    .map((part, index) => {
      const value = values[index]
      return part + (typeof value === 'string' ? escapeHtml(value) : (value?.html ?? ''))
    })
    .join(''),
})

const STYLE = `:root{color-scheme:light dark;font:100%/1.5 system-ui,sans-serif}
body{margin:0;display:grid;min-height:100vh;place-items:center;background:light-dark(#f4f5f7,#15181d);color:light-dark(#1b1f24,#e6e9ee)}
main{box-sizing:border-box;width:min(100%,28rem);margin:1rem;padding:2rem;border-radius:.75rem;background:light-dark(#fff,#1f242b)}
h1{margin:0 0 1rem;font-size:1.4rem}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input{box-sizing:border-box;width:100%;padding:.6rem;font:inherit;color:inherit;background:transparent;border:1px solid light-dark(#7a828e,#8b949e);border-radius:.4rem}
button{margin-top:1.5rem;padding:.65rem 1.25rem;font:inherit;font-weight:600;color:#fff;background:#1f5fbf;border:0;border-radius:.4rem;cursor:pointer}
a.button{display:block;margin-top:1rem;padding:.65rem 1.25rem;font-weight:600;text-align:center;text-decoration:none;color:inherit;border-radius:.4rem;box-shadow:inset 0 0 0 1px light-dark(#7a828e,#8b949e);overflow-wrap:anywhere}
button.plain{margin-left:.5rem;color:inherit;background:transparent;box-shadow:inset 0 0 0 1px light-dark(#7a828e,#8b949e)}
a.button+button.plain{margin-left:0}
.code{white-space:nowrap;font:600 1.2rem ui-monospace,monospace}
button.link{margin:0;padding:0;font-weight:400;color:light-dark(#1f5fbf,#79b0ff);background:none;text-decoration:underline}
button.danger{background:#b3261e}
input[type=checkbox]{width:auto;margin:0 .4rem 0 0}
.choice{font-weight:400}
a{color:light-dark(#1f5fbf,#79b0ff)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1rem;margin:1rem 0}
dt{font-weight:600}
dd{margin:0;overflow-wrap:anywhere}
ul{padding-left:1.2rem;overflow-wrap:anywhere}
:focus-visible{outline:3px solid light-dark(#1f5fbf,#79b0ff);outline-offset:2px}
[role=alert]{padding:.6rem .8rem;border-left:4px solid light-dark(#b3261e,#ff8a80);background:light-dark(#fdecea,#3b2223)}
small{display:block;margin-top:.25rem;color:light-dark(#57606a,#9aa4b0)}
code{overflow-wrap:anywhere;padding:.1em .3em;border-radius:.25em;background:light-dark(#eaecef,#2c333c)}`

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** Nothing from anywhere, no scripts, no frames around it: only this style sheet, and forms to this server. */
const policy = (formAction: string, script: string | undefined): string =>
  [
    "default-src 'none'",
    ...(script === undefined
      ? []
      : [
          `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
          "connect-src 'self'",
        ]),
    `style-src 'sha256-${STYLE_HASH}'`,
    `form-action ${formAction}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

interface PageOptions {
  readonly formTarget?: string | undefined
  readonly script?: string
  readonly lang?: string
}

/**
 * Answers a page, with headers that keep it to itself: not cached, not framed, no referrer to follow.
 *
 * @param options.formTarget the origin of another site to which the answer to a form of this page may redirect
 * @param options.lang what its words are in (BCP 47)
 * @param options.script the one script that runs on it, which may ask this server
 */
export const sendPage = (
  context: PageContext,
  status: number,
  title: string,
  content: Html,
  { formTarget, script, lang = 'en' }: PageOptions = {},
): void => {
  context.status = status
  context.type = 'text/html; charset=utf-8'
  context.set({
    'Content-Security-Policy': policy(formTarget === undefined ? "'self'" : `'self' ${formTarget}`, script),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Cache-Control': 'no-store',
  })
  context.body = `<!doctype html>
<html lang="${lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main>
${content.html}
</main>${script === undefined ? '' : `<script>${script}</script>`}</body></html>
`
}
