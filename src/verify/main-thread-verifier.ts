import { setImmediate as nextTurn } from 'node:timers/promises'
import { nativeSodium } from '../runtime/native-sodium.ts'
import { blsFastAggregateVerify } from './bls.ts'
import type { BlsVerifier } from './bls-verifier.ts'
import { ed25519Verify } from './ed25519.ts'
import type { SignatureCheck, SignatureVerifier } from './signature-verifier.ts'

/** Checks between two turns of the event loop: about a millisecond's work, natively and in JavaScript. */
const CHECKS_A_TURN = nativeSodium === undefined ? 1 : 16

/** Verifies on the main thread, letting the event loop turn between chunks. */
export function createMainThreadVerifier(): SignatureVerifier & BlsVerifier {
  return {
    verify: (checks, options) => inTurns(checks, verifyNow, CHECKS_A_TURN, options?.signal),
    verifyBls(checks, options) {
      const verifyOne = ({ publicKeys, message, signature }: (typeof checks)[number]) =>
        blsFastAggregateVerify(publicKeys, message, signature)
      return inTurns(checks, verifyOne, 1, options?.signal)
    }
  }
}

/** Checks one Ed25519 signature, here and now. */
export function verifyNow({ publicKey, signature, prefix, payload }: SignatureCheck): boolean {
  return ed25519Verify(publicKey, Buffer.concat([prefix, payload]), signature)
}

async function inTurns<T>(
  checks: readonly T[],
  verifyOne: (check: T) => boolean,
  checksATurn: number,
  signal: AbortSignal | undefined
): Promise<boolean[]> {
  signal?.throwIfAborted()
  const results: boolean[] = []
  for (const check of checks) {
    if (results.length > 0 && results.length % checksATurn === 0) {
      await nextTurn()
      signal?.throwIfAborted()
    }
    results.push(verifyOne(check))
  }
  return results
}
