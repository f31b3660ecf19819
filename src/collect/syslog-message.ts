/**
 * What stands before the message in syslog. RFC 5424: `<PRI>1 TIME HOST APP PROCID MSGID SD `; RFC 3164, as it is
 * written in practice: `<PRI>Mmm dd hh:mm:ss HOST TAG[PID]: `, in which the host may be missing (HAProxy, nginx with
 * `nohostname`), the time may be RFC 3339 (rsyslog), or everything but the priority (nothing is required of it).
 * Only what must be understood is: the message is what a line of a log file is, and says its own time.
 */
const priority = /^<\d{1,3}>/
const version5424 = /^1 (?:-|\S{1,64}) \S{1,255} \S{1,48} \S{1,128} \S{1,32} /
const element = /^\[[^\s="\]]{1,32}(?: [^\s="\]]{1,32}="(?:[^"\\]|\\.)*")*\]/
const time3164 =
  /^(?:[A-Z][a-z]{2} [ \d]\d(?: \d{4})? \d\d:\d\d:\d\d(?:\.\d{1,6})?|\d{4}-\d\d-\d\dT[\d:.,+Z-]{8,24}):? /
const tag = /^(?:[^\s:[]{1,255} )?[\w.@/-]{1,48}(?:\[[^\]\s]{0,64}\])?: ?/
const host = /^[^\s:[{"]{1,255} /

/** How much of a message its header can be. */
const headerBytesMax = 4_096

/** Where the message begins in these bytes. */
export function startOfMessage(bytes: Buffer): number {
  // In latin1 every byte is a character, so places in the text are places in the bytes.
  const text = bytes.toString('latin1', 0, headerBytesMax)
  const length = priority.exec(text)?.[0].length ?? 0
  if (length === 0) return 0
  const rest = text.slice(length)
  return length + (startIn5424(rest, bytes.subarray(length)) ?? startIn3164(rest))
}

function startIn5424(text: string, bytes: Buffer): number | undefined {
  let at = version5424.exec(text)?.[0].length
  if (at === undefined) return undefined
  if (text[at] === '-') at += 1
  for (let found = element.exec(text.slice(at)); found !== null; found = element.exec(text.slice(at)))
    at += found[0].length
  if (text[at] === ' ') at += 1
  const hasByteOrderMark = bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf
  return hasByteOrderMark ? at + 3 : at
}

function startIn3164(text: string): number {
  const time = time3164.exec(text)?.[0].length ?? 0
  const rest = text.slice(time)
  const named = tag.exec(rest)
  if (named !== null) return time + named[0].length
  // Without a tag there is still a host, if there was a time before it.
  return time === 0 ? 0 : time + (host.exec(rest)?.[0].length ?? 0)
}
