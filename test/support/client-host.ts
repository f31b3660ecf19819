import { openSync, writeSync } from 'node:fs'
import { createClient } from '../../src/collect/client/client.ts'
import { diceOf } from './dice.ts'

/**
 * A service that records events until it is killed, or until its input ends. Its own ledger is a file of one byte
 * before each record (`b`) and one after it (`r` taken, `l` lost): the kernel has them, whenever the process dies.
 */
export interface HostTask {
  readonly url: string
  readonly key: string
  readonly spool: string
  readonly ledger: string
  readonly account: string
  readonly seed: number
  /** Characters of a path, to fill the spool. */
  readonly weight: number
}

const { url, key, spool, ledger, account, seed, weight } = JSON.parse(process.argv[2] ?? '') as HostTask
const dice = diceOf(seed)
const file = openSync(ledger, 'a')
const client = createClient({ url, key, source: 'host', spool, spoolBytesMax: 4 * 1_048_576, sendEveryMs: 20 })
const path = 'x'.repeat(weight)
let number = 0
let isEnding = false
process.stdin.resume().once('end', () => (isEnding = true))

function turn(): void {
  for (let left = dice(100); left > 0; left -= 1) {
    number += 1
    writeSync(file, 'b')
    const isTaken = client.record({
      kind: 'http_request',
      id: `${account}-${number}`,
      account,
      bytes_out_wire: number,
      path,
    })
    writeSync(file, isTaken ? 'r' : 'l')
  }
  if (isEnding) void client.close({ limitMs: 20_000 }).then((stats) => process.stdout.write(JSON.stringify(stats)))
  else setTimeout(turn, dice(5))
}

turn()
