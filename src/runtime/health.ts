/** How a part of the node is. */
export type Health =
  | { readonly state: 'ok' }
  /** It goes on, with less than it should have. */
  | { readonly state: 'degraded'; readonly reason: string }
  /** It has stopped and does not go on by itself. */
  | { readonly state: 'failed'; readonly reason: string }

/** The health of each part of a node by name. */
export class HealthRegistry {
  readonly #parts = new Map<string, Health>()

  /** Sets the health of a part; a changed one replaces the one before. */
  set(part: string, health: Health): void {
    this.#parts.set(part, health)
  }

  get(part: string): Health {
    return this.#parts.get(part) ?? { state: 'ok' }
  }

  all(): Record<string, Health> {
    return Object.fromEntries(this.#parts)
  }
}
