/** Every bound of the collector (L12), in one place. */
export const limits = {
  /** A longer line is quarantined with its beginning; the reader never holds more of it than this. */
  lineBytesMax: 1_048_576,
  overlongKeptBytes: 4_096,
  /** As much of an unreadable line as is sent along for people to look at; JSON escapes can make it six times as long. */
  unreadableKeptBytes: 32_768,
  /** The service takes no longer event. One that is longer is quarantined under its line number instead. */
  eventCharactersMax: 262_144,
  /** Texts that are sent are cut here; identities that are longer than a fact may be are left out instead. */
  inspectionCharactersMax: 8_192,
  factCharactersMax: 255,
  /** An account rule's regex sees this much of a text, so that a bad pattern on a long line stays bounded. */
  ruleCharactersMax: 8_192,
  readChunkBytes: 262_144,
  batchEventsMax: 5_000,
  batchBytesMax: 4 * 1_048_576,
  batchesInFlightMax: 2,
  /** How many lines that the service already has are sent again, to notice that they are another file's. */
  probedLinesMax: 16,
  quarantinedShownMax: 10,
  attemptsMax: 10,
  checkpointAttemptsMax: 4,
  retryFirstMs: 200,
  retryMsMax: 10_000,
  retryAfterMsMax: 60_000,
  answerMsMax: 120_000,
  /** The agent's spool: unless told otherwise, and at least. */
  spoolBytesDefault: 1_073_741_824,
  spoolBytesMin: 16 * 1_048_576,
  segmentBytesMax: 8 * 1_048_576,
  /** How much of a log file is taken at once, beyond which a line still ends. */
  tailBytesMax: 1_048_576,
  /** So much of it is read before it is asked whether there is room. */
  blockBytesMax: 65_536,
  /** Bytes before the place that was read up to, by which that content is known again. */
  markBytes: 256,
  siblingsMax: 1_000,
  /** File systems write times of change a little late; a look this much earlier would have seen the file. */
  unseenSlackMs: 60_000,
  /** Files that are read to their end and still known: of one tailed path, and of all, but at least so many of each. */
  finishedOfPathMax: 64,
  finishedMax: 4_096,
  finishedOfPathMin: 4,
  /** What a frame takes for one of them. */
  finishedFileBytes: 96,
  /** First bytes by which a file is known, and how much of it may be directives before them. */
  headBytes: 256,
  directiveBytesMax: 65_536,
  /** How long a file that was rotated away is still watched: its writer may not know yet. */
  rotatedWatchedMs: 60_000,
  /** An archive that is still being packed is waited for as long as it changes, but not longer than this. */
  packingMsMax: 1_800_000,
  pollMs: 500,
  /** What arrives within it shares one fsync. */
  groupMs: 50,
  /** Room for what a frame says about its files, besides the events. */
  frameStateBytes: 4_096,
  fileStateBytes: 1_024,
  noteBytes: 256,
  /** OTLP: of one export, of all that are being read at once, and of the texts that its records become. */
  otlpBodyBytesMax: 16 * 1_048_576,
  otlpBodiesBytesMax: 64 * 1_048_576,
  otlpEntriesBytesMax: 64 * 1_048_576,
  otlpRecordsMax: 50_000,
  syslogBytesMax: 262_144,
  /** What a socket of datagrams asks the kernel to hold for it; the kernel may give less. */
  datagramBufferBytes: 8 * 1_048_576,
  /** Connections to one receiver at once; more are refused. */
  connectionsMax: 256,
  requestMsMax: 30_000,
  /** How late what others bring is expected to come, unless told otherwise: exporters hold back and send again. */
  doorDelayMs: 60_000,
  /** How long connections are still read at an orderly end. */
  goodbyeMs: 1_000,
  /** Connections whose records before the last are counted; those beyond are counted at their end. */
  openConnectionsMax: 10_000,
  /** When they are so many, those without a record for so long are forgotten, the oldest first, so many at once. */
  openConnectionSilentMs: 48 * 3_600_000,
  forgottenAtOnceMax: 256,
  /** What time it is in a log is the earliest of so many records, so that one wrong clock does not say it. */
  clockRecords: 16,
  checkpointEveryMs: 10_000,
  sendAgainMs: 10_000,
  /** How long an orderly end may take; what is not sent by then lies in the spool. */
  flushMsMax: 10_000,
} as const
