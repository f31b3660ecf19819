/** Every bound of the client library (L12), in one place; the rest are the collector's. */
export const limits = {
  /** The source, the epoch and the number are added to what is recorded; together they fit into one event. */
  recordCharactersMax: 260_000,
  /** As much of a record that is no event as is kept for people to look at. */
  unreadableKeptCharacters: 4_096,
  unreadableMessageCharacters: 500,
  /** A file between the host and the worker; a new one begins behind it. */
  handOverFileBytesMax: 4 * 1_048_576,
  /** How much is moved into the spool at once, unless one record is longer. */
  pieceBytes: 262_144,
  pieceBytesMax: 4 * 1_048_576,
  /** Records wait so long for others before they are moved together: what a power loss can take (docs/data/client.md). */
  gatherMs: 25,
  /** With nothing to move, how often the time up to which all is known is set anew. */
  idleMs: 1_000,
  fullMs: 50,
  sendEveryMsDefault: 1_000,
  checkpointEveryMs: 10_000,
  /** How long before its recording an event may have happened, unless told otherwise. */
  lateMsDefault: 60_000,
  sendAgainMs: 5_000,
  spoolBytesDefault: 256 * 1_048_576,
  spoolBytesMin: 4 * 1_048_576,
  memoryBytesDefault: 32 * 1_048_576,
  /** Processes on one spool directory. */
  slotsMax: 64,
  adoptEveryMs: 60_000,
  closeMsDefault: 10_000,
  /** Beyond the limit that close was given, until the worker is ended. */
  closeGraceMs: 2_000,
  workerAgainMs: 5_000,
  /** A clock that moves by more than this against the machine's own was set. */
  clockJumpMs: 5_000,
  sourceCharactersMax: 200,
} as const
