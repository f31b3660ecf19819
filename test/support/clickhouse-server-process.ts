/**
 * chDB behind ClickHouse's HTTP protocol, as far as `@clickhouse/client` speaks it: a stand-in where no server can be
 * installed. The engine, its SQL, its tokens and its errors are ClickHouse's own; the HTTP around it is ours, written
 * after ClickHouse's documentation. `node clickhouse-server-process.ts DIRECTORY PORT USER PASSWORD`; it ends when its
 * standard input ends, so that it never outlives its test.
 */
import { Session } from 'chdb'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { createGunzip, gzipSync } from 'node:zlib'

const [directory = '', port = '0', user = 'default', password = ''] = process.argv.slice(2)

/** Parameters of the address that are no settings of a query. */
const ofProtocol = new Set(['query', 'database', 'default_format', 'query_id', 'session_id', 'user', 'password'])
/** Settings of the HTTP server itself: answers are whole here anyway. */
const ofServer = /^(wait_end_of_query|enable_http_compression|http_.*|send_progress_in_http_headers|buffer_size)$/

/** An error as ClickHouse tells it, with its status: what the asker did wrong is 4xx, all else is 500. */
const statuses: Readonly<Record<string, number>> = {
  '27': 400,
  '36': 400,
  '47': 404,
  '60': 404,
  '62': 400,
  '81': 404,
  '115': 404,
  '194': 401,
  '516': 403,
}

class ServerError extends Error {
  readonly code: string
  constructor(text: string) {
    super(text)
    this.code = /Code: (\d+)/.exec(text)?.[1] ?? '1002'
  }
}

interface Asked {
  readonly query: string
  /** Rows of an INSERT; null when the query was the body. */
  readonly rows: Buffer | null
  readonly parameters: URLSearchParams
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const part of source) parts.push(part)
  }
  // A body that is cut off rejects: nothing of it is executed.
  if (request.headers['content-encoding'] === 'gzip') await pipeline(request, createGunzip(), collect)
  else await collect(request)
  return Buffer.concat(parts)
}

async function askedBy(request: IncomingMessage): Promise<Asked> {
  const parameters = new URL(request.url ?? '/', 'http://server').searchParams
  const body = await bodyOf(request)
  const type = request.headers['content-type'] ?? ''
  if (type.startsWith('multipart/form-data')) {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData()
    for (const [name, value] of form) if (typeof value === 'string') parameters.set(name, value)
    return { query: parameters.get('query') ?? '', rows: null, parameters }
  }
  const query = parameters.get('query')
  return query === null ? { query: body.toString(), rows: null, parameters } : { query, rows: body, parameters }
}

function authenticate(request: IncomingMessage, parameters: URLSearchParams): void {
  const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1]
  const [name = '', ...rest] = Buffer.from(basic ?? '', 'base64')
    .toString()
    .split(':')
  const given =
    basic === undefined
      ? [
          request.headers['x-clickhouse-user'] ?? parameters.get('user') ?? 'default',
          request.headers['x-clickhouse-key'] ?? parameters.get('password') ?? '',
        ]
      : [name, rest.join(':')]
  if (given[0] === user && given[1] === password) return
  throw new ServerError(
    `Code: 516. DB::Exception: ${String(given[0])}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
  )
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

interface Answer {
  readonly body: Buffer
  readonly rows: number
}

/** Each request has a session of its own: its settings and parameters concern nobody else. */
async function execute({ query, rows, parameters }: Asked): Promise<Answer> {
  const session = new Session(directory)
  try {
    const database = parameters.get('database')
    if (database !== null) await session.queryAsync(`USE \`${database}\``)
    const settings = [...parameters].filter(([name]) => !ofProtocol.has(name) && !ofServer.test(name))
    for (const [name, value] of settings) await session.queryAsync(`SET ${name} = ${quoted(value)}`)
    const insert = /^\s*INSERT INTO (\S+) \(([^)]*)\) FORMAT (\w+)\s*$/.exec(query)
    if (insert !== null && rows !== null) {
      const [, table = '', columns = '', format = ''] = insert
      const written = await session.insert({
        table,
        columns: columns.split(',').map((name) => name.trim()),
        format: format as 'JSONCompactEachRow',
        values: rows,
      })
      return { body: Buffer.alloc(0), rows: written.rowsWritten }
    }
    const whole = rows === null ? query : `${query}\n${rows.toString()}`
    const result = await session.queryAsync(whole, { format: parameters.get('default_format') ?? 'TabSeparated' })
    return { body: Buffer.from(result.bytes()), rows: result.rowsRead }
  } catch (error) {
    throw new ServerError(error instanceof Error ? error.message : String(error))
  } finally {
    session.close()
  }
}

function send(response: ServerResponse, status: number, body: Buffer): void {
  response.writeHead(status, { 'content-length': body.length }).end(body)
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/ping') {
    send(response, 200, Buffer.from('Ok.\n'))
    return
  }
  try {
    const asked = await askedBy(request)
    authenticate(request, asked.parameters)
    const id = asked.parameters.get('query_id') ?? randomUUID()
    response.setHeader('X-ClickHouse-Query-Id', id).setHeader('X-ClickHouse-Server-Display-Name', 'chdb')
    response.setHeader('X-ClickHouse-Timezone', 'UTC').setHeader('Content-Type', 'text/plain; charset=UTF-8')
    const { body, rows } = await execute(asked)
    response.setHeader('X-ClickHouse-Summary', JSON.stringify({ read_rows: `${rows}`, written_rows: `${rows}` }))
    const packed =
      asked.parameters.get('enable_http_compression') === '1' &&
      /\bgzip\b/.test(String(request.headers['accept-encoding']))
    if (packed) response.setHeader('Content-Encoding', 'gzip')
    send(response, 200, packed ? gzipSync(body) : body)
  } catch (error) {
    if (!(error instanceof ServerError)) {
      request.destroy()
      return
    }
    response.setHeader('X-ClickHouse-Exception-Code', error.code)
    send(response, statuses[error.code] ?? 500, Buffer.from(`${error.message}\n`))
  }
}

// The first session opens the directory, and the last one would close it: this one stays.
const first = new Session(directory)
const server = createServer((request, response) => void serve(request, response))
server.keepAliveTimeout = 10_000
server.listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`)
})
process.stdin.on('end', () => {
  server.close()
  first.close()
  process.exit(0)
})
process.stdin.resume()
