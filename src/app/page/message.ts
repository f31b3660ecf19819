import { html } from '../../invoice/html.ts'
import { document } from './layout.ts'
import type { EmptyView, ErrorView } from './view.ts'

/** A page for what went wrong: the code, what happened, and what to do. */
export function errorPage({ frame, status, code, message }: ErrorView): string {
  const body = html`<div class="lead error">
    <p class="status">${status}</p>
    <h1><code>${code}</code></h1>
    <p>${message}</p>
    <p><a class="button" href="/">To the accounts</a></p>
  </div>`
  return document({ title: code, section: 'none', frame, body })
}

/** The first page of an installation without any event: how to send one. */
export function emptyPage({ frame, address, keyFile }: EmptyView): string {
  const instant = new Date(Math.floor(frame.now / 1000)).toISOString()
  const event = `{"source":"edge-1","seq":1,"kind":"http_request","time":"${instant}","account":"first-account","endpoint":"www.example.com","status":200,"bytes_out_wire":5320}`
  const curl = `curl ${address}/v1/events \\
  -H "Authorization: Bearer $(cat '${keyFile}')" \\
  -H 'Content-Type: application/json' \\
  -d '${event}'`
  const imported = `npx crossfoot import access.log --format nginx-combined --to ${address}`
  const body = html`<div class="lead">
      <h1>No events yet</h1>
      <p>
        This installation is empty: nothing was ever received, so there is nothing to count. Send a first event, or
        import a log file; both can be repeated without counting anything twice.
      </p>
    </div>
    <section aria-labelledby="send">
      <h2 id="send">Send your first event</h2>
      <pre tabindex="0"><code>${curl}</code></pre>
    </section>
    <section aria-labelledby="import">
      <h2 id="import">Or import an access log</h2>
      <pre tabindex="0"><code>${imported}</code></pre>
      <p class="hint">
        Plain, gzip and zstd files are read. <code>npx crossfoot import --help</code> lists the formats and how to find
        the account in a line.
      </p>
    </section>`
  return document({ title: 'No events yet', section: 'accounts', frame, body })
}
