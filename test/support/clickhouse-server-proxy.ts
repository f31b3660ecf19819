import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** What happens at an insert: nothing, or its answer is cut off after the server has given it, or something of a test's. */
export type AtInsert = (count: number) => 'pass' | 'cut answer' | Promise<unknown>

/** A network before a store server, that lets everything through until a test says otherwise. */
export interface StoreProxy {
  readonly port: number
  close(): Promise<void>
}

/** Looks at what clients send for inserts; the client sends the statement in the address, the rows in the body. */
export async function startProxy(target: number, atInsert: AtInsert): Promise<StoreProxy> {
  let inserts = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    let cutting = false
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end).on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    client.on('data', (bytes: Buffer) => {
      if (/^POST \S*query=INSERT/.test(bytes.toString('latin1', 0, 16_384))) {
        inserts += 1
        const fault = atInsert(inserts)
        cutting = fault === 'cut answer'
      }
      upstream.write(bytes)
    })
    upstream.on('data', (bytes: Buffer) => {
      if (cutting) end()
      else client.write(bytes)
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((closed) => server.close(closed))
    },
  }
}
