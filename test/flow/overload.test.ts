import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { limits } from '../../src/app/http/overload.ts'
import { balances, eventsInLog, receiptOf, sumOf } from '../support/answers.ts'
import { diceOf, seedOfRun } from '../support/dice.ts'
import { everything, usageTotals } from '../support/ledger.ts'
import type { Totals } from '../support/ledger.ts'
import { knowsMemory, residentMegabytes } from '../support/process-memory.ts'
import { eventsHead } from '../support/raw-request.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { Answer, RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'

/**
 * Far more at once than one process can take. The moments are the machine's, so that a replay with CROSSFOOT_SEED is
 * close and not exact; what must hold does not depend on them.
 */
const seed = seedOfRun()
const dice = diceOf(seed)
const data = temporaryDirectory('overload')
const accounts = ['shop', 'games', 'video', 'news']
const megabyte = 1_048_576
const { questionsMax, pagesMax } = limits
/** What the process may ever have taken, Postgres apart: an idle one has about 300 MB. */
const peakMegabytesMax = 1_800

let service: RunningService
beforeAll(async () => {
  service = await startService({ data })
  // So that every question has something to count.
  const source = new Source('before')
  const begin = async (account: string): Promise<void> => {
    for (let batch = 0; batch < 3; batch += 1) await send(source.batch({ events: 2_000, account }))
  }
  await Promise.all(accounts.map(begin))
  for (const account of accounts) await usageTotals(service, account)
})
afterAll(() => discardData(data))

/** What the test itself knows to have been acknowledged. */
const acknowledged = new Map<string, Totals>()
/** How often which status came, by method, and what no overload excuses. */
const statuses = new Map<string, number>()
const wrong: string[] = []

/** 200, or told to come again and when. */
function judge(what: string, status: number, retryAfter: string | null): void {
  statuses.set(`${what} ${status}`, (statuses.get(`${what} ${status}`) ?? 0) + 1)
  if (status === 200) return
  if ((status === 429 || status === 503) && /^[1-9]\d*$/.test(retryAfter ?? '')) return
  wrong.push(`${what}: ${status}, Retry-After ${retryAfter}`)
}

interface Batch {
  readonly account: string
  readonly totals: Totals
  readonly text: string
  /** Line ends behind the events: bytes that have to be read and are no events. */
  readonly padding: number
}

interface Wanted {
  readonly events: number
  readonly account?: string
  /** Characters that each event has more. */
  readonly weight?: number
  readonly padding?: number
}

class Source {
  readonly #name: string
  #seq = 0

  constructor(name: string) {
    this.#name = name
  }

  batch({ events, account = accounts[dice(accounts.length)] ?? '', weight = 0, padding = 0 }: Wanted): Batch {
    const path = weight > 0 ? `,"path":"${'p'.repeat(weight)}"` : ''
    let bytes = 0n
    let text = ''
    for (let event = 0; event < events; event += 1) {
      this.#seq += 1
      const out = dice(100_000)
      bytes += BigInt(out)
      text += `{"source":"${this.#name}","seq":${this.#seq},"kind":"http_request","time":"2026-11-0${1 + dice(9)}T10:00:00Z","account":"${account}","bytes_out_wire":${out}${path}}\n`
    }
    return { account, totals: { requests: BigInt(events), bytes }, text, padding }
  }
}

const lineEnds = Buffer.alloc(30 * megabyte, '\n')

async function ask(method: 'GET' | 'POST', path: string, body?: Blob): Promise<Response | undefined> {
  const headers = { authorization: `Bearer ${service.key}`, 'content-type': 'application/x-ndjson' }
  const what = method === 'POST' ? 'POST' : `GET ${path.split('?')[0]}`
  try {
    const answer = await fetch(service.address + path, { method, headers, ...(body === undefined ? {} : { body }) })
    judge(what, answer.status, answer.headers.get('retry-after'))
    return answer
  } catch (error) {
    wrong.push(`${what}: ${String((error as Error).cause ?? error)}`)
    return undefined
  }
}

/** Sends a batch until it is taken, as often as it is told to come again. */
async function send({ account, totals, text, padding }: Batch): Promise<void> {
  const body = new Blob([text, lineEnds.subarray(0, padding)])
  for (;;) {
    const answer = await ask('POST', '/v1/events', body)
    if (answer === undefined) return
    if (answer.status === 200) {
      const receipt = receiptOf({ status: 200, body: await answer.json(), headers: answer.headers })
      expect(BigInt(receipt.accepted + receipt.duplicates)).toBe(totals.requests)
      const { requests, bytes } = acknowledged.get(account) ?? { requests: 0n, bytes: 0n }
      acknowledged.set(account, { requests: requests + totals.requests, bytes: bytes + totals.bytes })
      return
    }
    await answer.body?.cancel()
    if (wrong.length > 0) return
    await pause(200 + dice(600))
  }
}

const questions = [
  '/',
  '/accounts/shop',
  '/quarantine',
  `/v1/usage?account=games&meter=data_out_wire&window=day&${everything.replace('1970-01-01', '2026-10-01').replace('2199-01-01', '2026-12-01')}`,
  `/v1/usage/events?account=video&meter=http_requests&limit=1000&${everything}`,
  `/v1/completeness?${everything}`,
  '/v1/balance',
]

/** Asks one heavy question after the other, without a pause, until told to stop. */
async function read(first: number, stop: AbortSignal): Promise<void> {
  for (let turn = first; !stop.aborted && wrong.length === 0; turn += 1) {
    const answer = await ask('GET', questions[turn % questions.length] ?? '/')
    await answer?.arrayBuffer()
    if (answer?.status !== 200) await pause(dice(300))
  }
}

/** Runs so many readers beside the work. */
async function besideReaders<T>(readers: number, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const reading = Array.from({ length: readers }, (_, index) => read(index, stop.signal))
  try {
    return await work()
  } finally {
    stop.abort()
    await Promise.all(reading)
  }
}

/** A connection by hand: of a sender that never ends its body, or of nobody who says anything. */
async function open(text: string | Buffer): Promise<Socket> {
  const { port, hostname } = new URL(service.address)
  const socket = connect(Number(port), hostname).on('error', () => undefined)
  await new Promise((done) => socket.once('connect', done).once('close', done))
  if (text.length > 0) socket.write(text)
  return socket
}

async function expectCounted(): Promise<void> {
  for (const [account, totals] of acknowledged) expect(await usageTotals(service, account)).toEqual(totals)
  const all = [...acknowledged.values()].reduce((sum, { requests }) => sum + requests, 0n)
  expect(await eventsInLog(service)).toBe(all)
  const tally = [...(await balances(service)).values()]
  expect(sumOf(tally, 'accepted')).toBe(all)
  expect(sumOf(tally, 'quarantined')).toBe(0n)
}

const peak = (): number => residentMegabytes(service.process.pid).peak

describe(`far too much at once (CROSSFOOT_SEED=${seed})`, () => {
  test('slow, big and countless requests and readers of heavy pages: 200, 429 or 503, and all that was taken counts', async () => {
    const slowSource = new Source('slow')
    const silent = Array.from({ length: 1_000 }, () => open(''))
    const slow = Array.from({ length: 100 }, () => {
      const { text } = slowSource.batch({ events: 20 })
      // Says that more comes than ever does: it never is a request that could be taken.
      return open(eventsHead(service.key, text.length + megabyte) + text)
    })
    // Slow and large: together they take all but a little of the room for bodies that are being read.
    const large = Array.from({ length: 8 }, async () => {
      const socket = await open(eventsHead(service.key, 31 * megabyte))
      socket.write(lineEnds)
      return socket
    })
    const held = await Promise.all([...silent, ...slow])
    const holding = await Promise.all(large)
    const senders = Array.from({ length: 20 }, (_, index) => index).map(async (index) => {
      const source = new Source(`sender-${index}`)
      for (let turn = 0; turn < 3 && wrong.length === 0; turn += 1) {
        if (index < 2 && turn === 0) await send(source.batch({ events: 9_000, weight: 3_000 }))
        else if (turn === 1 && index >= 10) await send(source.batch({ events: 5, padding: (15 + dice(15)) * megabyte }))
        else await send(source.batch({ events: 1 + dice(1_000) }))
      }
    })
    const relieved = until(() => statuses.has('POST 503'), 60_000, 'somebody is told to come again').finally(() => {
      for (const socket of holding) socket.destroy()
    })
    await besideReaders(100, () => Promise.all([...senders, relieved]))
    expect(wrong.slice(0, 10)).toEqual([])
    expect([...statuses.keys()].filter((what) => /^GET .* 429$/.test(what)).length, 'readers too').toBeGreaterThan(0)
    for (const socket of held) socket.destroy()
    await expectCounted()
    expect((await service.get('/v1/sources/slow')).status, 'what never ended was never taken').toBe(404)
    if (knowsMemory) expect(peak()).toBeLessThan(peakMegabytesMax)
  })

  test('ingest goes on while pages are read', async () => {
    const source = Array.from({ length: 8 }, (_, index) => new Source(`steady-${index}`))
    const senders = async (): Promise<number> => {
      const end = performance.now() + 1_500
      let taken = 0
      await Promise.all(
        source.map(async (one) => {
          while (performance.now() < end && wrong.length === 0) {
            await send(one.batch({ events: 200 }))
            taken += 1
          }
        }),
      )
      return taken
    }
    // Other work on the machine comes and goes between the two: readers that keep senders out do so each time. On two
    // cores a half to all of it was taken, with up to eight busy processes beside.
    const shares: number[] = []
    while (shares.length < 3 && wrong.length === 0 && Math.max(...shares) < 1 / 4) {
      const alone = await senders()
      shares.push((await besideReaders(40, senders)) / alone)
    }
    expect(wrong.slice(0, 10)).toEqual([])
    expect(Math.max(...shares), shares.join(', ')).toBeGreaterThanOrEqual(1 / 4)
    await expectCounted()
  })

  test('whoever goes away, or asks wrongly, gives the place back', async () => {
    const headers = { authorization: `Bearer ${service.key}` }
    for (let turn = 0; turn < 2; turn += 1) {
      const gone = new AbortController()
      const asked = Array.from({ length: 100 }, (_, index) =>
        fetch(service.address + (questions[index % questions.length] ?? '/'), { headers, signal: gone.signal }),
      )
      await Promise.any(asked)
      gone.abort()
      await Promise.allSettled(asked)
    }
    // What was begun for those who are gone is brought to its end, and may hold every place until then.
    const isThereRoom = async (): Promise<boolean> => (await service.get('/v1/usage?account=shop')).status === 400
    await until(isThereRoom, 60_000, 'a place for a question')
    // A question that is refused before it is asked gives its place back as well.
    for (let turn = 0; turn <= questionsMax; turn += 1)
      expect((await service.get('/v1/usage?account=shop')).status, 'no meter is named').toBe(400)
    const path = questions.find((question) => question.startsWith('/v1/usage?')) ?? ''
    // In the end every place is free: so many at once are all answered.
    const answered = async (most: number, ask: () => Promise<Answer>): Promise<boolean> =>
      (await Promise.all(Array.from({ length: most }, ask))).every(({ status }) => status === 200)
    await until(() => answered(questionsMax, () => service.get(path)), 60_000, 'questions up to the bound')
    await until(() => answered(pagesMax, () => service.ask('GET', '/quarantine')), 60_000, 'pages up to the bound')
  })
})
