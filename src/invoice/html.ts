/** Markup that is safe to send: every value that went into it was escaped, or was markup itself. */
export class Html {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** What may stand in a template. Null and false leave nothing. */
export type Content = Html | string | number | bigint | null | false | readonly Content[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as it stands in markup and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character)
}

function markup(content: Content): string {
  if (content === null || content === false) return ''
  if (content instanceof Html) return content.toString()
  if (Array.isArray(content)) return content.map(markup).join('')
  return escapeHtml(String(content))
}

/** The text of a template is markup; its values are text and are escaped, unless they are `Html` already. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(strings.map((text, index) => text + markup(values[index] ?? null)).join(''))
}
