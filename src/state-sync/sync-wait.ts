/** Why the chain does not come on. */
export type SyncWaitCause =
  | 'no-peers' // nobody is connected
  | 'no-peer-has-it' // nobody who is connected has the next commit, though there is one
  | 'pruned-everywhere' // all who are further have pruned it
  | 'peers-fail' // those who have it were asked and do not deliver
  | 'peers-slow' // it is under way and takes long, and nobody has failed
  | 'executor-behind' // the sync is as far ahead of the executor as it may be
  | 'committee-awaited' // the executing node has to insert the next epoch's committee
  | 'store-failing' // the store takes nothing
  | 'store-slow' // a write is under way and takes long
  | 'halted' // for good: a fork, or certified data that is refused

/** What one peer answered. */
export interface PeerAnswer {
  readonly peerId: string
  /** When it last did, in milliseconds since the Unix epoch. */
  readonly atMs: number
  /** For people: what it has, the code and message of its failure, or how it could not be reached. */
  readonly answer: string
}

/** What the chain waits for, where it should come on and does not. */
export interface SyncWait {
  readonly cause: SyncWaitCause
  /** The commit that is waited for. */
  readonly commit: number
  /** Since when the chain has stood there, for this cause or another, in milliseconds since the Unix epoch. */
  readonly sinceMs: number
  /** A sentence or two for people: what is, and what to do. */
  readonly explanation: string
  /** Who was asked since the chain stands there, each once with its last answer, newest last, at most 16. With `no-peers`, who was dialled. */
  readonly asked: readonly PeerAnswer[]
}
