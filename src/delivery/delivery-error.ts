import { SomaError } from '../runtime/soma-error.ts'

/** Why a subscription cannot go on. */
export type DeliveryErrorCode =
  | 'COMMIT_PRUNED' // the wanted commit is no longer in the store: start at the lowest available one, or restore the state another way
  | 'CURSOR_BUSY' // another subscriber holds the cursor of that name
  | 'CURSOR_INVALID' // a bad name or first commit: a programming error of the subscriber

/** A failure of a subscription. The store and the other subscribers are not concerned. */
export class DeliveryError extends SomaError<DeliveryErrorCode> {}
