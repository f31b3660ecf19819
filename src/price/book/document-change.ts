/** One value that differs between two documents. */
export interface DocumentChange {
  readonly path: string
  readonly kind: 'added' | 'removed' | 'changed'
  /** As JSON text would say it, without quotes around a text; null where there is none. */
  readonly before: string | null
  readonly after: string | null
}

type Leaf = readonly [path: string, value: string]

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const leafText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** The keys that the items of a list go by; null where they go by their numbers. */
function namesOf(list: readonly unknown[]): readonly string[] | null {
  const keys = list.map((item) => (isFields(item) && typeof item['key'] === 'string' ? item['key'] : null))
  const named = keys.filter((key) => key !== null)
  return new Set(named).size === list.length ? named : null
}

/**
 * All values of a document, each with the path to it. Items of a list that have keys go by them, so that a price stays
 * the same price when another one comes before it; the order in which they stand is a value too (`prices`). A list of
 * plain values is one value.
 */
function leavesOf(value: unknown, path: string): readonly Leaf[] {
  if (Array.isArray(value)) {
    if (value.every((item) => !isFields(item) && !Array.isArray(item))) return [[path, value.map(leafText).join(', ')]]
    const names = namesOf(value)
    const inside = value.flatMap((item, index) => leavesOf(item, `${path}.${names?.[index] ?? index}`))
    return names === null ? inside : [[path, names.join(', ')], ...inside]
  }
  if (!isFields(value)) return [[path, leafText(value)]]
  const fields = Object.entries(value)
  if (fields.length === 0 && path !== '') return [[path, '{}']]
  return fields.flatMap(([name, part]) => leavesOf(part, path === '' ? name : `${path}.${name}`))
}

/** Every value that one document has and the other has not, or has otherwise; in the order of the newer one. */
export function changesOf(before: unknown, after: unknown): readonly DocumentChange[] {
  const [old, now] = [new Map(leavesOf(before, '')), new Map(leavesOf(after, ''))]
  const removed = [...old].flatMap(([path, value]): DocumentChange[] =>
    now.has(path) ? [] : [{ path, kind: 'removed', before: value, after: null }],
  )
  const others = [...now].flatMap(([path, value]): DocumentChange[] => {
    const was = old.get(path)
    if (was === undefined) return [{ path, kind: 'added', before: null, after: value }]
    return was === value ? [] : [{ path, kind: 'changed', before: was, after: value }]
  })
  return [...others, ...removed]
}
