import { toError } from '../../src/runtime/soma-error.ts'

/** What a node's process tells of an error: with its stack, for the parent has nothing else of it. */
export function describeThrown(thrown: unknown): string {
  const error = toError(thrown)
  return error.stack ?? error.message
}
