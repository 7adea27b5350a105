import type { CommitteeMember } from './committee-builder.ts'
import { deriveValidatorKeys } from './validator-keys.ts'

/** Whom {@link changingValidators} takes. */
export interface ChangingValidatorsOptions {
  /** Of the keys: that of the chain, for the validators of its genesis to go on. @default 1 */
  readonly seed?: number
  /** Validators of each epoch: in turn, and again from the first. */
  readonly sizes: readonly number[]
  /** The addresses of a validator in an epoch, by the index that its keys are derived from. @default none */
  readonly addresses?: (index: number, epoch: number) => readonly string[]
}

/**
 * Committees that change: in each epoch the validator longest there leaves, others join until there are as many as wanted, and the stakes of those
 * that stay move. Epoch `e` has those of `deriveValidatorKeys(seed, e)` and the next.
 *
 * @throws {RangeError} when there are no sizes
 */
export function changingValidators(options: ChangingValidatorsOptions): (epoch: number) => CommitteeMember[] {
  const { seed = 1, sizes, addresses = () => [] } = options
  if (sizes.length === 0) throw new RangeError('committees of no size')
  return (epoch) =>
    Array.from({ length: sizes[epoch % sizes.length] as number }, (_, place) => {
      const index = epoch + place
      const stake = 4 + ((index + epoch) % 3) // 4 to 6: of four, none is needed for a quorum
      return { keys: deriveValidatorKeys(seed, index), stake, addresses: addresses(index, epoch) }
    })
}
