/** One BLS signature to be checked: an aggregate by all the keys over one message, or a plain one by a single key. */
export interface BlsCheck {
  /** 48 bytes each, at least one. Each must have proved its possession, unless it is the only one. */
  readonly publicKeys: readonly Uint8Array[]
  readonly message: Uint8Array
  /** 96 bytes. */
  readonly signature: Uint8Array
}

/** Checks BLS signatures, each of which costs about a millisecond, without keeping the event loop from its work. */
export interface BlsVerifier {
  /**
   * Checks a batch; the results are in its order. A malformed key or signature is `false`, not an error.
   *
   * @throws the signal's reason on abort
   */
  verifyBls(checks: readonly BlsCheck[], options?: { signal?: AbortSignal | undefined }): Promise<boolean[]>
}
