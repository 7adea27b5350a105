/**
 * The base of every error this package throws on purpose.
 *
 * Callers act on `code`, which is stable across releases and unique in the package, never on the message.
 */
export abstract class SomaError<Code extends string = string> extends Error {
  /** Stable, machine-readable identity of the failure. */
  readonly code: Code

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** Turns whatever was thrown into an `Error`: libp2p's streams reject with an `Event` now and then. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  if (thrown instanceof Event && 'error' in thrown && thrown.error instanceof Error) return thrown.error
  return new Error(String(thrown))
}

/** The stable code of an error, or its name where it has none. For logs and metrics. */
export function errorCode(thrown: unknown): string {
  const error = toError(thrown)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

/** Causes that are looked at: nobody chains more on purpose. */
const MOST_CAUSES = 5

/** What an error says, and what those say that caused it, for people: a full disk is named by the cause alone. */
export function fullMessage(thrown: unknown): string {
  const messages: string[] = []
  for (let error: unknown = thrown; error !== undefined && messages.length < MOST_CAUSES; ) {
    const { message, cause } = toError(error)
    if (!messages.some((other) => other.includes(message))) messages.push(message)
    error = cause
  }
  return messages.join(': ')
}
