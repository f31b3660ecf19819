import type { Offset } from '../core/ids.ts'
import type { Engine } from './engine.ts'

/**
 * Below which offset everything is in the store, asked by who does not fill it. Only ranges that were finished
 * count: one that is written down may still be on its way in.
 */
export async function askPosition(engine: Engine): Promise<Offset> {
  const [last] = await engine.query<{ next: string }>('SELECT next FROM finished_range ORDER BY next DESC LIMIT 1', {})
  return Number(last?.next ?? 0) as Offset
}
