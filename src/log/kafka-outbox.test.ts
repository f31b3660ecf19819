import { afterEach, expect, test, vi } from 'vitest'
import { arrivalOf, testNow } from '../../test/support/events.ts'
import { until } from '../../test/support/until.ts'
import { clientOptions, Outage } from './kafka-client.ts'
import { limits, Outbox } from './kafka-outbox.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('"nothing was taken" is said only of what can never be committed any more', async () => {
  // The clock leaps; what waits for the broker, which is not there, waits as ever.
  const now = performance.now.bind(performance)
  let leapt = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now() + leapt)
  const outbox = new Outbox({
    client: clientOptions('127.0.0.1:1', 'test'),
    topics: { events: { name: 'e', id: '' }, commits: { name: 'c', id: '' } },
    writer: 'w',
    outage: new Outage(() => undefined),
  })
  const said: Record<string, string> = {}
  const send = (seq: number, name: string): void => {
    outbox
      .submit({ kind: 'append', now: testNow, sender: '', arrivals: [arrivalOf({ seq })] })
      .catch((error: Error) => {
        said[name] = error.message
      })
  }
  send(1, 'alone')
  await until(() => outbox.commandsOf('w', 1), 5_000, 'the first group is on its way')
  leapt += 3_000
  send(2, 'early')
  leapt += 6_000
  send(3, 'late')
  leapt += limits.answerMillisMax - 8_500
  // The first group had one command and was given up; the second has two, and the wait of one of them is over.
  await until(() => said['alone'] !== undefined && outbox.commandsOf('w', 2), 10_000, 'the second group is on its way')
  expect(outbox.commandsOf('w', 2)).toHaveLength(2)
  leapt += 3_000
  await until(() => said['early'], 5_000, 'it is answered')
  leapt += limits.answerMillisMax
  await until(() => said['late'], 5_000, 'it is answered')
  const nothing = expect.stringContaining('nothing was taken')
  expect(said).toEqual({ alone: nothing, early: expect.stringContaining('not known whether'), late: nothing })
  await outbox.close()
})
