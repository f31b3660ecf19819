import type { FastifyRequest } from 'fastify'
import { Refusal } from '../../core/errors.ts'
import { groupOf } from '../roles.ts'
import type { Server } from './routes.ts'

export const limits = {
  /**
   * Questions of the API under way at once. The store answers one after the other, so more would only wait longer, and
   * those who ask would ask again meanwhile.
   */
  questionsMax: 64,
  /** A page asks the store some dozens of questions. */
  pagesMax: 8,
  retryAfterSeconds: 2,
} as const

/** Who is being answered. The others are told to come again, before they have cost anything (L12). */
class Room {
  readonly #most: number
  #count = 0

  constructor(most: number) {
    this.#most = most
  }

  enter(): void {
    if (this.#count >= this.#most)
      throw new Refusal('TOO_MANY_REQUESTS', 'too many questions at once; ask again shortly', {
        retryAfterSeconds: limits.retryAfterSeconds,
      })
    this.#count += 1
  }

  leave(): void {
    this.#count -= 1
  }
}

interface Route {
  readonly method: string | readonly string[]
  /** Undefined: no route answers the request. */
  readonly url?: string | undefined
  readonly config?: { readonly scope?: unknown } | undefined
}

/** A question that is too long for an address. */
const postedQuestions: ReadonlySet<string> = new Set(['/v1/ip'])

/**
 * Bounds how many questions and pages are answered at once. What senders, machines and writers ask is not counted, so
 * that readers never keep anybody else out. Has to be called before the routes are added, and after access: who has
 * no key takes no place.
 */
export function addOverload(server: Server): void {
  const [questions, pages] = [new Room(limits.questionsMax), new Room(limits.pagesMax)]
  const roomOf = ({ method, url, config }: Route): Room | undefined => {
    const isPosted = url !== undefined && postedQuestions.has(url)
    const isQuestion = [method].flat().every((one) => one === 'GET' || one === 'HEAD' || (one === 'POST' && isPosted))
    if (!isQuestion || url === undefined || groupOf('GET', url) !== 'questions') return undefined
    return config?.scope === undefined ? pages : questions
  }
  /** A place is given back when the work is over, or when it never began. */
  const places = new WeakMap<FastifyRequest, Room>()
  const takePlace = (request: FastifyRequest): Room | undefined => {
    const room = places.get(request)
    places.delete(request)
    return room
  }
  server.addHook('onRequest', async (request) => {
    const room = roomOf(request.routeOptions)
    room?.enter()
    if (room !== undefined) places.set(request, room)
  })
  server.addHook('onResponse', async (request) => takePlace(request)?.leave())
  server.addHook('onRoute', (route) => {
    const { handler } = route
    if (roomOf(route) === undefined) return
    route.handler = async function answerInPlace(request, reply) {
      const room = takePlace(request)
      // Whoever asked has gone while the question waited: nobody hears the answer.
      if (room === undefined) throw new Refusal('TOO_MANY_REQUESTS', 'the question was given up')
      try {
        return await handler.call(this, request, reply)
      } finally {
        room.leave()
      }
    }
  })
}
