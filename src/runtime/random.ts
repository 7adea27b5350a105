/** Randomness, passed in so that a run can be repeated from its seed. Not for keys. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
}

/** The machine's own randomness. */
export const systemRandom: Random = { next: () => Math.random() }

/**
 * A repeatable source: the same seed gives the same numbers on every machine.
 *
 * The generator is mulberry32: 32 bits of state, good enough for choices in tests, never for secrets.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0
      let t = state
      t = Math.imul(t ^ (t >>> 15), t | 1)
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
      return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
    }
  }
}

/** An integer in [0, limit). */
export function randomInteger(random: Random, limit: number): number {
  return Math.floor(random.next() * limit)
}

/** A new array with the same items in random order (Fisher-Yates). */
export function shuffled<T>(random: Random, items: Iterable<T>): T[] {
  const result = [...items]
  for (let i = result.length - 1; i > 0; i--) {
    const j = randomInteger(random, i + 1)
    const held = result[i] as T
    result[i] = result[j] as T
    result[j] = held
  }
  return result
}
