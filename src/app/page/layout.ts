import { createHash } from 'node:crypto'
import { html, Html } from '../../invoice/html.ts'
import type { Content } from '../../invoice/html.ts'
import { moment } from './date.ts'
import { groupDigits } from '../../invoice/wording.ts'
import { styleSheet } from './style.ts'
import type { Frame, LogState } from './view.ts'

export type Section = 'accounts' | 'sources' | 'quarantine' | 'none'

const product = 'Crossfoot'

export interface Page {
  readonly title: string
  readonly section: Section
  readonly frame: Frame
  readonly body: Content
}

// Not in a template: the formatter may add spaces there, and the hash is of every character between the tags.
const styleElement = new Html(`<style>${styleSheet}</style>`)
const styleHash = createHash('sha256').update(styleSheet).digest('base64')

/** What these pages need and nothing else: no script, no picture from elsewhere, no frame around them. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** A table whose rows and columns meet in one sum. */
const mark = html`<svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
  <path class="thin" d="M2 2h5v5H2zM9.5 2h5v5h-5zM2 9.5h5v5H2zM9.5 9.5h5v5h-5z" />
  <path class="mid" d="M17 2h5v5h-5zM17 9.5h5v5h-5zM2 17h5v5H2zM9.5 17h5v5h-5z" />
  <path class="sum" d="M17 17h5v5h-5z" />
</svg>`

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Cpath fill='%237fa893' d='M2 2h5v5H2zM9.5 2h5v5h-5zM2 9.5h5v5H2zM9.5 9.5h5v5h-5zM17 2h5v5h-5zM17 9.5h5v5h-5zM2 17h5v5H2zM9.5 17h5v5h-5z'/%3E%3Cpath fill='%231d6b4c' d='M17 17h5v5h-5z'/%3E%3C/svg%3E"

function link(href: string, text: Content, current: boolean): Html {
  return current ? html`<a href="${href}" aria-current="page">${text}</a>` : html`<a href="${href}">${text}</a>`
}

function count(number: number): string {
  return groupDigits(String(number))
}

/** Says up to where the numbers of the page go, and what is still on its way (L13). */
export function logState(log: LogState | null): Html {
  if (log === null)
    return html`<p class="state">
      <span class="unknown">The log cannot be read right now; the numbers may be old.</span>
    </p>`
  const waiting = log.records - log.counted
  const waits =
    waiting === 0
      ? html`<span class="good">nothing in the log is waiting</span>`
      : html`<strong class="waiting"
          >${count(waiting)} ${waiting === 1 ? 'event' : 'events'} in the log not yet counted</strong
        >`
  const kept =
    log.quarantined === 0
      ? html`nothing in quarantine`
      : html`<a class="warn" href="/quarantine">${count(log.quarantined)} in quarantine</a>`
  return html`<p class="state">
    <span>Counted up to event <b class="num">${count(log.counted)}</b></span
    ><span>${waits}</span><span>${kept}</span>
  </p>`
}

function navigation({ frame, section }: Page): Html {
  return html`<header class="top">
    <div class="wide">
      <a class="brand" href="/">${mark}<span>${product}</span></a>
      ${frame.company !== product && html`<span class="company">${frame.company}</span>`}
      <nav aria-label="Main">
        ${link('/', 'Accounts', section === 'accounts')} ${link('/sources', 'Sources', section === 'sources')}
        ${link('/quarantine', 'Quarantine', section === 'quarantine')} ${link('/openapi.json', 'API', false)}
      </nav>
    </div>
  </header>`
}

/** The whole document. */
export function document(page: Page): string {
  const { title, frame, body } = page
  const name = [...new Set([title, frame.company, product])].join(' · ')
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${name}</title>
        <link rel="icon" href="${new Html(icon)}" />
        ${styleElement}
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        ${navigation(page)}
        <main id="content" class="wide">${body}</main>
        <footer class="wide">
          <p>
            Written ${moment(frame.now, 'UTC')} UTC. Every number has all its digits on hover and in the tables below
            the pictures; a day that is not over is marked “so far”.
          </p>
        </footer>
      </body>
    </html> `.toString()
}
