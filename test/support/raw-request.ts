import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import type { RunningService } from './service.ts'

/** One connection spoken by hand, for what no HTTP client would send. */
export interface RawConnection {
  /** Resolves when it has gone out, or when the other side has closed. */
  write(bytes: string | Uint8Array): Promise<void>
  /** Says that nothing more will come, and still listens. */
  end(): void
  /** Cuts the connection as a crash would. */
  cut(): void
  /** What has come back so far. */
  received(): string
  /** Everything that came back, when the service has closed the connection. */
  readonly closed: Promise<string>
}

const patienceMillis = 60_000

export async function rawConnection({ address }: RunningService): Promise<RawConnection> {
  const { hostname, port } = new URL(address)
  const socket: Socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
  socket.on('error', () => undefined)
  socket.setTimeout(patienceMillis, () => {
    received += '\n(nothing happened for a minute)'
    socket.destroy()
  })
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)))
  return {
    write: (bytes) =>
      new Promise((resolve) => {
        socket.once('close', resolve)
        socket.write(bytes, () => {
          socket.removeListener('close', resolve)
          resolve()
        })
      }),
    end: () => socket.end(),
    cut: () => socket.resetAndDestroy(),
    received: () => received,
    closed,
  }
}

/** The head of a POST /v1/events; `length` is Content-Length, or null for chunks. */
export function eventsHead(key: string, length: number | null, more: readonly string[] = []): string {
  return [
    'POST /v1/events HTTP/1.1',
    'Host: crossfoot',
    `Authorization: Bearer ${key}`,
    'Content-Type: application/x-ndjson',
    length === null ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`,
    ...more,
    '',
    '',
  ].join('\r\n')
}
