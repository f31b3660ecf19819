import { createServer, request as forward } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface SeenCheckpoint {
  readonly source: string
  readonly epoch: string
  readonly seq: string
  readonly time: string
  readonly lost: string
}

/** A door before the fake service that knows `POST /v1/checkpoints`, writes them down, and passes on all else. */
export class CheckpointDoor {
  readonly checkpoints: SeenCheckpoint[] = []
  /** What checkpoints are answered. */
  status = 200
  url = ''
  readonly #behind: string
  readonly #server = createServer((incoming, response) => {
    if (incoming.url === '/v1/checkpoints') {
      void this.#take(incoming, response)
      return
    }
    const passed = forward(this.#behind + incoming.url, { method: incoming.method, headers: incoming.headers })
    passed.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.on('error', () => response.destroy()).pipe(response)
    })
    passed.on('error', () => response.destroy())
    incoming.on('error', () => passed.destroy()).pipe(passed)
  })

  constructor(behind: string) {
    this.#behind = behind
  }

  async #take(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(incoming)
    if (this.status === 200) this.checkpoints.push(JSON.parse(body) as SeenCheckpoint)
    const answer = this.status === 200 ? body : '{"error":{"code":"ROUTE_NOT_FOUND","message":"no such route"}}'
    response.writeHead(this.status, { 'content-type': 'application/json' }).end(answer)
  }

  async start(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }
}
