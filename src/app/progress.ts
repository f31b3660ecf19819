/** A progress line on a terminal that rewrites itself; elsewhere a line for each tenth, so that logs stay short. */
export function progressLine(
  label: string,
  out: { isTTY?: boolean; write(text: string): unknown },
): (done: number, total: number) => void {
  let shown = -1
  return (done, total) => {
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total)
    const step = out.isTTY === true ? percent : percent - (percent % 10)
    if (step === shown) return
    shown = step
    if (out.isTTY !== true) {
      out.write(`${label}: ${step} %\n`)
      return
    }
    const filled = Math.floor(step / 4)
    out.write(
      `\r${label} [${'#'.repeat(filled)}${'.'.repeat(25 - filled)}] ${String(step).padStart(3)} %  ${done} of ${total}${step === 100 ? '\n' : ''}`,
    )
  }
}
