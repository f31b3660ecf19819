import { PassThrough } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BodyBudget, limits, readBody } from './body.ts'

const megabyte = 1_048_576
const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code
const overloaded = expect.objectContaining({ code: 'OVERLOADED', retryAfterSeconds: 1 }) as Error

describe('room for bodies', () => {
  test('one sender’s bodies do not take the room of the others, and the largest body always has room', () => {
    const budget = new BodyBudget()
    const [one, two] = [budget.of('one'), budget.of('two')]
    one.take(limits.bodyBytesMax)
    one.take(limits.senderBytesMax - limits.bodyBytesMax)
    expect(() => one.take(1)).toThrow(overloaded)
    // The same sender, whoever asks.
    expect(() => budget.of('one').take(1)).toThrow(overloaded)
    two.take(limits.bodyBytesMax)
    one.give(1)
    budget.of('one').take(1)
  })

  test('all together stay below the limit of the process, and what was refused took nothing', () => {
    const budget = new BodyBudget()
    const many = Array.from({ length: 8 }, (_, index) => budget.of(String(index)))
    for (const one of many) one.take(limits.bodyBytesMax)
    expect(() => budget.of('late').take(1)).toThrow(overloaded)
    many[0]?.give(megabyte)
    budget.of('late').take(megabyte)
  })
})

describe('a body that does not come to its end', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => vi.useRealTimers())
  const patience = limits.silenceMillisMax
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(resolve)
    })

  test.each([null, 'gzip'])('is given up after a silence, and gives back its room (%s)', async (encoding) => {
    const stream = new PassThrough()
    const room = new BodyBudget().of('one')
    const take = vi.spyOn(room, 'take')
    const whole = '\n'.repeat(megabyte)
    const sent = encoding === null ? whole : gzipSync(whole).subarray(0, -4)
    const reading = readBody(stream, encoding ?? undefined, room).catch(codeOf)
    stream.write(sent)
    await vi.waitFor(() => expect(take.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0)).toBe(megabyte))
    await turn()
    await vi.advanceTimersByTimeAsync(patience)
    expect(await reading).toBe('BODY_TRUNCATED')
    room.take(limits.senderBytesMax)
  })

  test('a refused one gives its room back at once, whatever its sender does', async () => {
    const budget = new BodyBudget()
    budget.take(limits.bodiesBytesMax - megabyte)
    const stream = new PassThrough()
    const reading = readBody(stream, 'gzip', budget).catch(codeOf)
    stream.write(gzipSync('\n'.repeat(2 * megabyte)).subarray(0, -4))
    expect(await reading).toBe('OVERLOADED')
    budget.take(megabyte)
  })

  test('comes whole from a sender that is slow and steady', async () => {
    const stream = new PassThrough()
    const reading = readBody(stream, undefined, new BodyBudget())
    for (const letter of 'slow and steady') {
      stream.write(letter)
      await turn()
      await vi.advanceTimersByTimeAsync(patience - 1)
    }
    stream.end()
    expect(String(await reading)).toBe('slow and steady')
  })
})
