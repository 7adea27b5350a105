/** One Ed25519 signature to be checked. The message is `prefix` and `payload`, joined. */
export interface SignatureCheck {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
  /** The intent's prefix, 32 bytes. */
  readonly prefix: Uint8Array
  readonly payload: Uint8Array
}

/**
 * Checks Ed25519 signatures by the one rule of the chain, whatever library does it: RFC 8032 with the cofactorless equation, canonical encodings,
 * no small-order keys.
 */
export interface SignatureVerifier {
  /**
   * Checks a batch; the results are in its order. A malformed key or signature is `false`, not an error.
   *
   * @throws the signal's reason on abort
   */
  verify(checks: readonly SignatureCheck[], options?: { signal?: AbortSignal | undefined }): Promise<boolean[]>
}
