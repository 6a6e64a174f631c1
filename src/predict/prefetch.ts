/** What one piece of work came to. */
export type Outcome<Item, Value> =
  | { readonly item: Item; readonly value: Value }
  | { readonly item: Item; readonly error: unknown }

/**
 * Does `work` on every item, `ahead` items before they are asked for, so that the work overlaps with what the caller
 * does in between. Results come in the order of the items; a failure is handed over as one, it ends nothing.
 */
export async function* prefetch<Item, Value>(
  items: AsyncIterable<Item>,
  work: (item: Item) => Promise<Value>,
  ahead: number,
): AsyncGenerator<Outcome<Item, Value>> {
  const started: Promise<Outcome<Item, Value>>[] = []
  const outcome = async (item: Item): Promise<Outcome<Item, Value>> => {
    try {
      return { item, value: await work(item) }
    } catch (error) {
      return { item, error }
    }
  }
  for await (const item of items) {
    started.push(outcome(item))
    if (started.length > ahead) yield started.shift()!
  }
  for (const one of started) yield one
}
