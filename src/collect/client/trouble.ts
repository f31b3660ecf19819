/** Something that the host should hear of. The client goes on by itself, whatever it is. */
export interface Trouble {
  readonly kind: TroubleKind
  readonly message: string
}

export type TroubleKind =
  /** The service does not answer, or not well; records wait. */
  | 'unreachable'
  /** The service answers and does not take anything: a wrong key, a wrong address. Records wait. */
  | 'refused'
  /** The service keeps events aside, uncounted: they have a fault. */
  | 'quarantined'
  /** A record is no event. It has its number and is kept aside. */
  | 'unreadable'
  /** A record was lost, because there was no room for it. It is counted and declared. */
  | 'lost'
  /** The spool cannot be written. */
  | 'spool'
  /** The clock was set. */
  | 'clock'
  /** The worker ended; it begins again. */
  | 'worker'

export type Tell = (trouble: Trouble) => void

/** Tells a lasting trouble once, until it is another one or is over. */
export class Teller {
  readonly #tell: Tell
  readonly #told = new Map<TroubleKind, string>()

  constructor(tell: Tell) {
    this.#tell = tell
  }

  tell(kind: TroubleKind, message: string): void {
    if (this.#told.get(kind) === message) return
    this.#told.set(kind, message)
    this.#tell({ kind, message })
  }

  isOver(...kinds: readonly TroubleKind[]): void {
    for (const kind of kinds) this.#told.delete(kind)
  }
}
