import { afterEach, expect, test, vi } from 'vitest'
import { arrivalOf, testNow } from '../../test/support/events.ts'
import { until } from '../../test/support/until.ts'
import { Outage } from './kafka-client.ts'
import { limits, Outbox } from './kafka-outbox.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('"nothing was taken" is said only of what can never be committed any more', async () => {
  // Only the clock of the outbox stands still; what waits for the broker, which is not there, runs as ever.
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
  const outbox = new Outbox({
    client: { clientId: 'test', bootstrapBrokers: ['127.0.0.1:1'], retries: 0, connectTimeout: 200 },
    topics: { events: { name: 'e', id: '' }, commits: { name: 'c', id: '' } },
    writer: 'w',
    outage: new Outage(() => undefined),
  })
  const said: Record<string, string> = {}
  const send = (seq: number, name: string): void => {
    outbox.submit({ kind: 'append', now: testNow, sender: '', arrivals: [arrivalOf({ seq })] }).catch((error: Error) => {
      said[name] = error.message
    })
  }
  send(1, 'alone')
  await until(() => outbox.commandsOf('w', 1), 5_000, 'the first group is on its way')
  vi.advanceTimersByTime(300)
  send(2, 'early')
  vi.advanceTimersByTime(9_000)
  send(3, 'late')
  vi.advanceTimersByTime(limits.answerMillisMax - 9_200)
  // The first group had one command and was given up; the second has two, and the wait of one of them is over.
  await until(() => said['alone'] !== undefined && outbox.commandsOf('w', 2), 10_000, 'the second group is on its way')
  expect(outbox.commandsOf('w', 2)).toHaveLength(2)
  vi.advanceTimersByTime(500)
  await until(() => said['early'], 5_000, 'it is answered')
  vi.advanceTimersByTime(limits.answerMillisMax)
  await until(() => said['late'], 5_000, 'it is answered')
  const nothing = expect.stringContaining('nothing was taken')
  expect(said).toEqual({ alone: nothing, early: expect.stringContaining('not known whether'), late: nothing })
  vi.useRealTimers()
  await outbox.close()
})
