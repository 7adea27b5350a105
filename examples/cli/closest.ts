/** The candidate that takes the fewest keystrokes to get to from `word`; `undefined` where there is none. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const byDistance = candidates.map((candidate) => ({
    candidate,
    distance: distance(word.toLowerCase(), candidate.toLowerCase())
  }))
  return byDistance.toSorted((a, b) => a.distance - b.distance)[0]?.candidate
}

/** Levenshtein's distance: letters to insert, delete or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
