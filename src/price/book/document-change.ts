/** One value that differs between two documents. */
export interface DocumentChange {
  readonly path: string
  readonly kind: 'added' | 'removed' | 'changed'
  /** As JSON text would say it, without quotes around a text; null where there is none. */
  readonly before: string | null
  readonly after: string | null
}

/** Where a value is and what it is, told apart by their JSON: a key may contain a dot, a text a comma. */
interface Leaf {
  readonly at: string
  readonly is: string
  readonly path: string
  readonly value: string
}

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
function leavesOf(value: unknown, path: readonly string[]): readonly Leaf[] {
  const leaf = (text: string): Leaf => ({
    at: JSON.stringify(path),
    is: JSON.stringify(value),
    path: path.join('.'),
    value: text,
  })
  if (Array.isArray(value)) {
    if (value.every((item) => !isFields(item) && !Array.isArray(item))) return [leaf(value.map(leafText).join(', '))]
    const names = namesOf(value)
    const inside = value.flatMap((item, index) => leavesOf(item, [...path, names?.[index] ?? String(index)]))
    return names === null ? inside : [{ ...leaf(names.join(', ')), is: JSON.stringify(names) }, ...inside]
  }
  if (!isFields(value)) return [leaf(leafText(value))]
  const fields = Object.entries(value)
  if (fields.length === 0 && path.length > 0) return [leaf('{}')]
  return fields.flatMap(([name, part]) => leavesOf(part, [...path, name]))
}

/** A change that reads the same on both sides is shown as JSON: `"all"` and `["all"]`. */
function changed(was: Leaf, now: Leaf): DocumentChange {
  const same = was.value === now.value
  return { path: now.path, kind: 'changed', before: same ? was.is : was.value, after: same ? now.is : now.value }
}

/** Every value that one document has and the other has not, or has otherwise; in the order of the newer one. */
export function changesOf(before: unknown, after: unknown): readonly DocumentChange[] {
  const byPlace = (leaves: readonly Leaf[]) => new Map(leaves.map((leaf) => [leaf.at, leaf]))
  const [old, now] = [byPlace(leavesOf(before, [])), byPlace(leavesOf(after, []))]
  const removed = [...old.values()].flatMap(({ at, path, value }): DocumentChange[] =>
    now.has(at) ? [] : [{ path, kind: 'removed', before: value, after: null }],
  )
  const others = [...now.values()].flatMap((leaf): DocumentChange[] => {
    const was = old.get(leaf.at)
    if (was === undefined) return [{ path: leaf.path, kind: 'added', before: null, after: leaf.value }]
    return was.is === leaf.is ? [] : [changed(was, leaf)]
  })
  return [...others, ...removed]
}
