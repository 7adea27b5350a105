import type { PeerId } from '@libp2p/interface'
import { Mailbox } from '../runtime/mailbox.ts'
import type { Attempt } from './attempts.ts'

/** What the event loop is told. */
export type SyncMessage =
  | { readonly type: 'tick' }
  | { readonly type: 'peer-connected'; readonly peer: PeerId }
  | { readonly type: 'peer-disconnected'; readonly peer: PeerId }
  /** A peer's chain is ours. */
  | { readonly type: 'chain-checked'; readonly peer: PeerId }
  /** A peer answered to a height query. */
  | { readonly type: 'height'; readonly peer: PeerId; readonly highest: number; readonly lowest: number }
  /** A peer pushed a commit. */
  | { readonly type: 'pushed'; readonly peer: PeerId; readonly index: number; readonly lowest: number }
  | { readonly type: 'attempt-ended'; readonly attempt: Attempt; readonly error: Error | undefined }
  /** Commits were stored. */
  | { readonly type: 'stored' }

/** Messages that may wait for the loop before hints are dropped: facts are as few as connections and attempts. */
const MAX_WAITING_HINTS = 1_024

/** The door of the event loop. There is always room for facts: a lost end of an attempt would never come again. */
export class SyncMailbox extends Mailbox<SyncMessage> {
  constructor() {
    super({ capacity: Number.POSITIVE_INFINITY })
  }

  /** Tells the loop what it would learn later anyway. */
  hint(message: SyncMessage): void {
    if (this.size < MAX_WAITING_HINTS) this.post(message)
  }
}
