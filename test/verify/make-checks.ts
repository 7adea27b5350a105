import { type Random, randomInteger } from '../../src/runtime/random.ts'
import { ed25519PublicKey, ed25519Sign } from '../../src/verify/ed25519.ts'
import type { SignatureCheck } from '../../src/verify/signature-verifier.ts'

const SEED = new Uint8Array(32).fill(5)
const PUBLIC_KEY = ed25519PublicKey(SEED)

/** A valid check over a payload of so many bytes. */
export function validCheck(payloadBytes: number, fill = 1): SignatureCheck {
  const [prefix, payload] = [new Uint8Array(32).fill(7), new Uint8Array(payloadBytes).fill(fill)]
  return { publicKey: PUBLIC_KEY, signature: ed25519Sign(SEED, Buffer.concat([prefix, payload])), prefix, payload }
}

/** The same check with one thing wrong. */
export function brokenChecks(check: SignatureCheck): SignatureCheck[] {
  const flip = (bytes: Uint8Array) => bytes.with(0, (bytes[0] ?? 0) ^ 1)
  return [
    { ...check, signature: flip(check.signature) },
    { ...check, publicKey: flip(check.publicKey) },
    { ...check, prefix: flip(check.prefix) },
    { ...check, payload: flip(check.payload) },
    { ...check, signature: check.signature.subarray(1) },
    { ...check, publicKey: new Uint8Array(0) }
  ]
}

/** Checks of mixed sizes, some broken, with the verdicts they deserve. */
export function mixedChecks(random: Random, count: number): { checks: SignatureCheck[]; verdicts: boolean[] } {
  const checks: SignatureCheck[] = []
  const verdicts: boolean[] = []
  for (let index = 0; index < count; index++) {
    const valid = validCheck(1 + randomInteger(random, 900), index)
    const broken = brokenChecks(valid)[randomInteger(random, 18)]
    checks.push(broken ?? valid)
    verdicts.push(broken === undefined)
  }
  return { checks, verdicts }
}
