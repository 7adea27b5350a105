import { SomaError } from '../../src/runtime/soma-error.ts'
import { WireError } from '../../src/runtime/wire-error.ts'
import { withinAllocation } from './allocation-bound.ts'
import { type FuzzTarget, type InputShape, simpleTarget } from './fuzz-target.ts'

/** The class of the errors that a decoder promises. */
type ErrorClass = abstract new (...given: never[]) => Error

export interface DecoderTargetInit<T> {
  readonly name: string
  readonly shape: InputShape
  readonly weight?: number
  readonly seeds: readonly Uint8Array[]
  readonly decode: (input: Uint8Array) => T
  /** What it may throw. Anything else is a fault. */
  readonly refusals: readonly ErrorClass[]
  /** Bytes of buffers that each byte of input may cost. @default 8 */
  readonly buffersPerByte?: number
  /** What must hold of a value that was decoded. @throws when it does not @default nothing */
  readonly check?: (value: T, input: Uint8Array) => void
}

/** A synchronous decoder: it returns a value or throws what it promises, and takes no more memory than its input is worth. */
export function decoderTarget<T>(init: DecoderTargetInit<T>): FuzzTarget {
  const { name, shape, weight = 1, seeds, decode, refusals, check, buffersPerByte } = init
  return simpleTarget({
    name,
    shape,
    weight,
    seeds,
    run(input) {
      let value: T
      try {
        value = withinAllocation(input, () => decode(input), buffersPerByte)
      } catch (thrown) {
        if (refusals.some((refusal) => thrown instanceof refusal)) return outcomeOf(thrown)
        throw thrown
      }
      check?.(value, input)
      return 'a value'
    }
  })
}

/** What a refusal says, without what is different in each. */
export function outcomeOf(refusal: unknown): string {
  if (refusal instanceof WireError) return `${refusal.code} ${refusal.field}`
  if (!(refusal instanceof SomaError)) return refusal instanceof Error ? refusal.name : String(refusal)
  const cause = refusal.cause instanceof WireError ? ` ${outcomeOf(refusal.cause)}` : ''
  return `${refusal.code}${cause}`
}
