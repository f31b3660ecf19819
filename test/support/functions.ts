export interface FunctionSize {
  readonly name: string
  readonly lines: number
}

/**
 * The functions of a formatted TypeScript file with their length in lines. It relies on the formatter: a
 * function that opens at some indentation closes with a brace at the same indentation.
 */
export function functionsOf(source: string): FunctionSize[] {
  const lines = source.split('\n')
  const found: FunctionSize[] = []
  lines.forEach((line, index) => {
    const opens =
      /^(\s*)(?:export |default |async |static |private |readonly |const |#)*(?:function\*? )?([\w$#.]*)[^;]*(?:\)|=>|: [\w<>[\], |]+) \{$/.exec(
        line,
      )
    const isControl =
      /^\s*(if|for|while|switch|else|try|catch|do|return|\}|class|export class)\b/.test(line.trimStart()) ||
      /^\s*\}/.test(line)
    if (opens === null || isControl) return
    const [, indentation = '', name = ''] = opens
    const end = lines.findIndex(
      (later, at) => at > index && later.startsWith(`${indentation}}`) && !later.startsWith(`${indentation} `),
    )
    if (end > 0) found.push({ name: name || '(anonymous)', lines: end - index + 1 })
  })
  return found
}
