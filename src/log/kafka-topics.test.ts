import { expect, test } from 'vitest'
import { isDurable } from './kafka-topics.ts'

test('L3: what is acknowledged lies on two disks, or was forced to the one', () => {
  const settings = (inSync: number, flush: string) =>
    new Map([
      ['min.insync.replicas', String(inSync)],
      ['flush.messages', flush],
    ])
  const never = '9223372036854775807'
  const cases = [
    [3, settings(2, never), true],
    [5, settings(3, never), true],
    [3, settings(1, never), false],
    [2, settings(2, never), false],
    [1, settings(1, never), false],
    [1, settings(1, '1'), true],
    [3, new Map<string, string>(), false],
  ] as const
  for (const [copies, found, expected] of cases) expect(isDurable(copies, found), String([...found])).toBe(expected)
})
