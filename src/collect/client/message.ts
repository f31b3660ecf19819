import type { MessagePort } from 'node:worker_threads'
import type { Batching } from './shipper.ts'
import type { Trouble } from './trouble.ts'

export type Where =
  | {
      readonly kind: 'files'
      /** The directory of all processes, and the slot of this one in it. */
      readonly parent: string
      readonly directory: string
      readonly slot: number
      readonly run: string
      readonly spoolBytesMax: number
    }
  | { readonly kind: 'memory'; readonly port: MessagePort; readonly spoolBytesMax: number }

export interface WorkerTask {
  readonly where: Where
  /** Of the first slot, and of a spool in memory. */
  readonly source: string
  readonly url: string
  readonly key: string | undefined
  readonly batching: Batching
  readonly counters: SharedArrayBuffer
}

export type ToWorker =
  | { readonly kind: 'wake' }
  | { readonly kind: 'flush' }
  | { readonly kind: 'close'; readonly limitMs: number }

export type FromWorker =
  | { readonly kind: 'trouble'; readonly trouble: Trouble }
  | { readonly kind: 'moved' }
  | { readonly kind: 'closed' }
